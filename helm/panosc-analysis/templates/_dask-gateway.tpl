{{- /*
  Three templates of the chart dask-gateway, replaced. Its own have no place for a security context, so its pods would not be
  let into a namespace that enforces the Pod Security standard `restricted`, nor for a volume, so its server could not read the
  policy. Everything else of that chart is used as it is. They are rendered with that chart's values, and belong to the
  version that Chart.yaml pins: compare them when it moves.
*/ -}}
{{- define "panosc-analysis/charts/dask-gateway/templates/gateway/deployment.yaml" }}
{{- $values := .Values.gateway }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "dask-gateway.apiName" . }}
  labels:
    {{- include "dask-gateway.labels" . | nindent 4 }}
spec:
  replicas: {{ $values.replicas }}
  selector:
    matchLabels:
      {{- include "dask-gateway.matchLabels" . | nindent 6 }}
      app.kubernetes.io/component: gateway
  template:
    metadata:
      labels:
        {{- include "dask-gateway.labels" . | nindent 8 }}
        app.kubernetes.io/component: gateway
        hub.jupyter.org/network-access-hub: "true"
      annotations:
        checksum/configmap: {{ include (print .Template.BasePath "/gateway/configmap.yaml") . | sha256sum }}
        checksum/secret: {{ include (print .Template.BasePath "/gateway/secret.yaml") . | sha256sum }}
        {{- with $values.annotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ .Values.rbac.gateway.serviceAccountName }}
      {{- include "panosc.dask-pod" (dict "root" . "part" $values) | nindent 6 }}
      volumes:
        - name: configmap
          configMap: {name: {{ include "dask-gateway.apiName" . }}}
        {{- include "panosc.policy-volume" . | nindent 8 }}
        - name: tmp
          emptyDir: {}
      containers:
        - name: gateway
          {{- include "panosc.dask-container" (dict "image" $values.image "resources" $values.resources) | nindent 10 }}
          args: [dask-gateway-server, --config, /etc/dask-gateway/dask_gateway_config.py]
          volumeMounts:
            - {name: configmap, mountPath: /etc/dask-gateway/}
            - {name: policy, mountPath: /etc/panosc, readOnly: true}
            - {name: tmp, mountPath: /tmp}
          env:
            - name: JUPYTERHUB_API_TOKEN
              valueFrom:
                secretKeyRef:
                  name: {{ $values.auth.jupyterhub.apiTokenFromSecretName }}
                  key: {{ $values.auth.jupyterhub.apiTokenFromSecretKey }}
            - {name: PANOSC_DASK_PRIORITY_CLASS, value: {{ include "panosc.cluster-name" (list . "dask") }}}
            {{- with $values.env }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
          ports:
            - {name: api, containerPort: 8000}
          {{- range $kind := list "livenessProbe" "readinessProbe" }}
          {{- with index $values $kind }}
          {{- if .enabled }}
          {{ $kind }}:
            httpGet: {path: /api/health, port: api}
            {{- toYaml (omit . "enabled") | nindent 12 }}
          {{- end }}
          {{- end }}
          {{- end }}
{{- end }}

{{- define "panosc-analysis/charts/dask-gateway/templates/controller/deployment.yaml" }}
{{- if .Values.controller.enabled }}
{{- $values := .Values.controller }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "dask-gateway.controllerName" . }}
  labels:
    {{- include "dask-gateway.labels" . | nindent 4 }}
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector:
    matchLabels:
      {{- include "dask-gateway.matchLabels" . | nindent 6 }}
      app.kubernetes.io/component: controller
  template:
    metadata:
      labels:
        {{- include "dask-gateway.labels" . | nindent 8 }}
        app.kubernetes.io/component: controller
      annotations:
        checksum/configmap: {{ include (print .Template.BasePath "/controller/configmap.yaml") . | sha256sum }}
        {{- with $values.annotations }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
    spec:
      serviceAccountName: {{ .Values.rbac.controller.serviceAccountName }}
      {{- include "panosc.dask-pod" (dict "root" . "part" $values) | nindent 6 }}
      volumes:
        - name: configmap
          configMap: {name: {{ include "dask-gateway.controllerName" . }}}
        - name: tmp
          emptyDir: {}
      containers:
        - name: controller
          {{- include "panosc.dask-container" (dict "image" $values.image "resources" $values.resources) | nindent 10 }}
          args: [dask-gateway-server, kube-controller, --config, /etc/dask-gateway/dask_gateway_config.py]
          volumeMounts:
            - {name: configmap, mountPath: /etc/dask-gateway/}
            - {name: tmp, mountPath: /tmp}
          ports:
            - {name: api, containerPort: 8000}
{{- end }}
{{- end }}

{{- define "panosc-analysis/charts/dask-gateway/templates/traefik/deployment.yaml" }}
{{- if .Values.traefik.installTraefik }}
{{- $values := .Values.traefik }}
{{- $apart := ne (toString $values.service.ports.tcp.port) "web" }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "dask-gateway.traefikName" . }}
  labels:
    {{- include "dask-gateway.labels" . | nindent 4 }}
spec:
  replicas: {{ $values.replicas }}
  selector:
    matchLabels:
      {{- include "dask-gateway.matchLabels" . | nindent 6 }}
      app.kubernetes.io/component: traefik
  template:
    metadata:
      labels:
        {{- include "dask-gateway.labels" . | nindent 8 }}
        app.kubernetes.io/component: traefik
      {{- with $values.annotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      serviceAccountName: {{ .Values.rbac.traefik.serviceAccountName }}
      terminationGracePeriodSeconds: 60
      {{- include "panosc.dask-pod" (dict "root" . "part" $values) | nindent 6 }}
      containers:
        - name: traefik
          {{- include "panosc.dask-container" (dict "image" $values.image "resources" $values.resources) | nindent 10 }}
          args:
            - --global.checknewversion=false
            - --global.sendanonymoususage=false
            - --ping=true
            # This namespace alone, and nothing of the whole cluster: its account needs no right beyond.
            - --providers.kubernetescrd.namespaces={{ .Release.Namespace }}
            - --providers.kubernetescrd.disableclusterscoperesources=true
            - --providers.kubernetescrd.allowcrossnamespace=true
            - --providers.kubernetescrd.labelselector=gateway.dask.org/instance={{ include "dask-gateway.fullname" . }}
            - --providers.kubernetescrd.throttleduration=2
            - --log.level={{ $values.loglevel }}
            - --entrypoints.traefik.address=:9000
            - --entrypoints.web.address=:8000
            {{- if $apart }}
            - --entrypoints.tcp.address=:8786
            {{- end }}
            {{- range $values.additionalArguments }}
            - {{ . | quote }}
            {{- end }}
          ports:
            - {name: traefik, containerPort: 9000}
            - {name: web, containerPort: 8000}
            {{- if $apart }}
            - {name: tcp, containerPort: 8786}
            {{- end }}
          readinessProbe:
            httpGet: {path: /ping, port: traefik}
            initialDelaySeconds: 2
            periodSeconds: 5
            timeoutSeconds: 2
          livenessProbe:
            httpGet: {path: /ping, port: traefik}
            initialDelaySeconds: 10
            periodSeconds: 10
            timeoutSeconds: 2
{{- end }}
{{- end }}

{{- define "panosc.dask-pod" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 990
  runAsGroup: 990
  seccompProfile: {type: RuntimeDefault}
{{- range $key := list "imagePullSecrets" "nodeSelector" "affinity" "tolerations" }}
{{- with index $.part $key }}
{{ $key }}:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
{{- end }}

{{- define "panosc.dask-container" -}}
image: {{ .image.name }}:{{ .image.tag }}
imagePullPolicy: {{ .image.pullPolicy | default "IfNotPresent" }}
securityContext:
  {{- include "panosc.container-security" . | nindent 2 }}
{{- with .resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}
