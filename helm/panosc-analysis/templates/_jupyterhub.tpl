{{- /*
  The secret between hub and proxy, in the place of the JupyterHub chart's own template of this name. That one makes a secret
  of its own for each place that asks, as long as there is none in the cluster; so the first upgrade after an install would
  find another checksum in the proxy's pod, restart it and cut everybody's connection. This one makes it once.
*/ -}}
{{- define "jupyterhub.hub.config.ConfigurableHTTPProxy.auth_token" -}}
{{- $key := "hub.config.ConfigurableHTTPProxy.auth_token" }}
{{- $given := .Values.hub.config | dig "ConfigurableHTTPProxy" "auth_token" "" | default .Values.proxy.secretToken }}
{{- if not $given }}
{{- $kept := (lookup "v1" "Secret" .Release.Namespace "hub").data | default dict }}
{{- $given = index $kept $key | default "" | b64dec }}
{{- end }}
{{- if not $given }}
{{- $given = index .Values.custom $key | default (randAlphaNum 64) }}
{{- $_ := set .Values.custom $key $given }}
{{- end }}
{{- $given }}
{{- end }}
