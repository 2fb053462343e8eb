{{- /* The pod that reads a root's files into its index; list of the context and the root's name. */ -}}
{{- define "panosc.index-pod" -}}
{{- $root := index . 1 -}}
{{- with index . 0 -}}
metadata:
  labels:
    {{- include "panosc.labels" (list . "catalogue-index") | nindent 4 }}
spec:
  restartPolicy: Never
  automountServiceAccountToken: false
  enableServiceLinks: false
  # The index lies on a volume that one node mounts: be where the catalogue is.
  affinity:
    podAffinity:
      requiredDuringSchedulingIgnoredDuringExecution:
        - topologyKey: kubernetes.io/hostname
          labelSelector:
            matchLabels:
              {{- include "panosc.selector" (list . (printf "catalogue-%s" $root)) | nindent 14 }}
  securityContext:
    {{- include "panosc.catalogue-security" . | nindent 4 }}
  {{- with .Values.jupyterhub.imagePullSecrets }}
  imagePullSecrets: {{ toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: index
      image: {{ include "panosc.catalogue-image" . }}
      imagePullPolicy: {{ .Values.catalogue.image.pullPolicy }}
      args:
        - panosc-analysis
        - catalogue
        - index
        - --policy
        - /etc/panosc/panosc.yaml
        - --root
        - {{ $root }}
        - --index
        - /index/catalogue.sqlite
      resources:
        {{- toYaml .Values.catalogue.index.resources | nindent 8 }}
      securityContext:
        {{- include "panosc.container-security" . | nindent 8 }}
      volumeMounts:
        - {name: policy, mountPath: /etc/panosc, readOnly: true}
        {{- $path := (index .Values.panosc.roots $root).path }}
        {{- $volume := index .Values.data $root }}
        - {name: data, mountPath: {{ $path | quote }}, subPath: {{ $volume.subPath | default "" | quote }}, readOnly: true}
        {{- range $volume.mountedBelow }}
        - {name: data, mountPath: {{ printf "%s/%s" $path . | quote }}, subPath: {{ list $volume.subPath . | compact | join "/" | quote }}, readOnly: true}
        {{- end }}
        - {name: index, mountPath: /index}
        - {name: tmp, mountPath: /tmp}
  volumes:
    {{- include "panosc.policy-volume" . | nindent 4 }}
    - name: data
      persistentVolumeClaim: {claimName: {{ include "panosc.claim" (list . $root) }}, readOnly: true}
    - name: index
      persistentVolumeClaim: {claimName: catalogue-{{ $root }}}
    - name: tmp
      emptyDir: {}
{{- end -}}
{{- end }}

{{- define "panosc.catalogue-security" -}}
{{- $groups := .Values.catalogue.supplementalGroups -}}
{{- range (.Values.panosc.proposals | default dict).list -}}
{{- if .gid }}{{ $groups = append $groups .gid }}{{ end -}}
{{- end -}}
runAsNonRoot: true
runAsUser: {{ .Values.catalogue.uid | int64 }}
runAsGroup: {{ .Values.catalogue.gid | int64 }}
fsGroup: {{ .Values.catalogue.gid | int64 }}
fsGroupChangePolicy: OnRootMismatch
seccompProfile: {type: RuntimeDefault}
{{- with $groups | uniq }}
supplementalGroups:
  {{- range . }}
  - {{ . | int64 }}
  {{- end }}
{{- end }}
{{- end }}
