{{- /* What the hub must know of its cluster beside the policy; hub_config/cluster/schema.json says what each word means. */ -}}
{{- define "panosc.cluster" -}}
{{- $roots := dict }}
{{- $catalogues := list }}
{{- $several := gt (len .Values.panosc.roots) 1 }}
{{- range $root, $_ := .Values.panosc.roots }}
{{- $volume := index $.Values.data $root }}
{{- $row := dict "claim" (include "panosc.claim" (list $ $root)) }}
{{- with $volume.subPath }}{{ $_ := set $row "sub_path" . }}{{ end }}
{{- with $volume.mountedBelow }}{{ $_ := set $row "mounted_below" . }}{{ end }}
{{- $_ := set $roots $root $row }}
{{- $name := ternary (printf "%s (%s)" $.Values.panosc.facility $root) $.Values.panosc.facility $several }}
{{- $catalogues = append $catalogues (dict "name" $name "url" (printf "http://catalogue-%s:8010/api" $root)) }}
{{- end }}
{{- $homes := dict "size" .Values.homes.capacity }}
{{- if eq .Values.homes.kind "shared" }}
{{- $homes = dict "claim" (include "panosc.homes-claim" .) "sub_path" .Values.homes.subPath }}
{{- else if .Values.homes.storageClass }}
{{- $_ := set $homes "storage_class" .Values.homes.storageClass }}
{{- end }}
{{- $cluster := dict "roots" $roots "homes" $homes }}
{{- if .Values.catalogue.enabled }}{{ $_ := set $cluster "catalogues" $catalogues }}{{ end }}
{{- if .Values.demoPeople }}
{{- $people := dict "people" (list "alice" "bob" "ines" "oskar") "instructors" (list "ines") "operators" (list "oskar") }}
{{- $_ := set $cluster "demo" $people }}
{{- end }}
{{- if (index .Values "dask-gateway").enabled }}
{{- $gateway := dict "DASK_GATEWAY__ADDRESS" "http://traefik-dask-gateway" "DASK_GATEWAY__PROXY_ADDRESS" "gateway://traefik-dask-gateway:80" "DASK_GATEWAY__AUTH__TYPE" "jupyterhub" }}
{{- $_ := set $cluster "environment" $gateway }}
{{- end }}
{{- toYaml (merge $cluster .Values.cluster) }}
{{- end }}
