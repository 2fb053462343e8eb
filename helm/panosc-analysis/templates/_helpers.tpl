{{- /* Labels of what this chart makes itself; `component` comes as the second of a list. */ -}}
{{- define "panosc.selector" -}}
app.kubernetes.io/name: panosc-analysis
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "panosc.labels" -}}
{{ include "panosc.selector" . }}
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
app.kubernetes.io/part-of: panosc-analysis
helm.sh/chart: {{ (index . 0).Chart.Name }}-{{ (index . 0).Chart.Version }}
{{- end }}

{{- /* Labels that the JupyterHub chart gives a component's pods. */ -}}
{{- define "panosc.of-the-hub" -}}
app.kubernetes.io/name: jupyterhub
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "panosc.of-dask" -}}
app.kubernetes.io/name: dask-gateway
app.kubernetes.io/component: {{ . }}
{{- end }}

{{- /* Names of objects that belong to the whole cluster. */ -}}
{{- define "panosc.cluster-name" -}}
{{ printf "panosc-%s-%s" (index . 0).Release.Namespace (index . 1) | trunc 253 | trimSuffix "-" }}
{{- end }}

{{- /* The claim of a root's data. */ -}}
{{- define "panosc.claim" -}}
{{- $volume := index (index . 0).Values.data (index . 1) -}}
{{ $volume.existingClaim | default (printf "data-%s" (index . 1)) }}
{{- end }}

{{- define "panosc.hub-image" -}}
{{- with .Values.jupyterhub.hub.image }}{{ .name }}:{{ .tag }}{{ end -}}
{{- end }}

{{- define "panosc.catalogue-image" -}}
{{- $own := .Values.catalogue.image -}}
{{- if $own.name }}{{ $own.name }}:{{ $own.tag }}{{ else }}{{ include "panosc.hub-image" . }}{{ end -}}
{{- end }}

{{- /* The policy as every part of the platform mounts it. */ -}}
{{- define "panosc.policy-volume" -}}
- name: policy
  projected:
    sources:
      - configMap: {name: panosc-policy}
      - configMap: {name: panosc-tables, optional: true}
      - secret: {name: panosc-tables, optional: true}
{{- end }}

{{- define "panosc.container-security" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}

{{- /* Where a volume lies, for a PersistentVolume: never to be written where the kind of volume can say so. */ -}}
{{- define "panosc.volume-source" -}}
{{- $volume := index . 0 -}}
{{- $readOnly := index . 1 -}}
{{- if $volume.hostPath }}
hostPath:
  path: {{ $volume.hostPath.path | quote }}
  type: {{ $volume.hostPath.type | default "Directory" }}
{{- else if $volume.nfs }}
nfs:
  {{- toYaml $volume.nfs | nindent 2 }}
  {{- if $readOnly }}
  readOnly: true
  {{- end }}
{{- else if $volume.csi }}
csi:
  {{- toYaml $volume.csi | nindent 2 }}
  {{- if $readOnly }}
  readOnly: true
  {{- end }}
{{- end }}
{{- with $volume.mountOptions }}
mountOptions:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "panosc.dns-egress" -}}
- to:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}
    {{- with .Values.network.dns }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
{{- end }}

{{- /* What no schema can say, refused with the place of the fault. */ -}}
{{- define "panosc.refuse-contradictions" -}}
{{- range $name, $root := .Values.panosc.roots }}
{{- if not (hasPrefix "/" $root.path) }}
{{- fail (printf "\n\npanosc.roots.%s.path: %s is no absolute path. Name the directory as your tables do, for example /data/%s" $name $root.path $name) }}
{{- end }}
{{- if not (hasKey $.Values.data $name) }}
{{- fail (printf "\n\ndata.%s is missing: say where the data of panosc.roots.%s lie, for example\n  data: {%s: {hostPath: {path: /data/%s}}}" $name $name $name $name) }}
{{- end }}
{{- end }}
{{- range $name, $_ := .Values.data }}
{{- if not (hasKey $.Values.panosc.roots $name) }}
{{- fail (printf "\n\ndata.%s: there is no panosc.roots.%s; there are %s" $name $name (keys $.Values.panosc.roots | sortAlpha | join ", ")) }}
{{- end }}
{{- end }}
{{- if .Values.panosc.identity }}
{{- if .Values.demoPeople }}
{{- fail "\n\ndemoPeople: panosc.identity says who logs in. Take one of the two out." }}
{{- end }}
{{- else if not .Values.demoPeople }}
{{- fail "\n\npanosc.identity is missing: say who may log in (docs/operating/identity.md), or try the platform with\n  demoPeople: true" }}
{{- else if or (ne .Values.jupyterhub.proxy.service.type "ClusterIP") .Values.jupyterhub.ingress.enabled .Values.jupyterhub.httpRoute.enabled }}
{{- fail "\n\ndemoPeople: demo people share one password, so their hub is not opened to others.\nSet panosc.identity, or jupyterhub.proxy.service.type: ClusterIP without ingress and httpRoute." }}
{{- end }}
{{- if ne (.Values.jupyterhub.fullnameOverride | default "") "" }}
{{- fail "\n\njupyterhub.fullnameOverride: names of the hub's services are fixed in this chart. One release in each namespace." }}
{{- end }}
{{- range $name, $_ := .Values.policyFiles }}
{{- if has $name (list "panosc.yaml" "cluster.yaml") }}
{{- fail (printf "\n\npolicyFiles.%s: this name is the chart's own. Take another one." $name) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "panosc.homes-claim" -}}
{{ .Values.homes.volume.existingClaim | default "homes" }}
{{- end }}
