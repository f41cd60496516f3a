{{- define "scheduled-reports.name" -}}
{{- default .Release.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "scheduled-reports.operatorName" -}}
{{ include "scheduled-reports.name" . }}-operator
{{- end -}}

{{- define "scheduled-reports.selector" -}}
app.kubernetes.io/name: scheduled-reports
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: operator
{{- end -}}

{{- define "scheduled-reports.labels" -}}
app.kubernetes.io/name: scheduled-reports
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/part-of: scheduled-reports
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- /* image (list root image): a digest goes before a tag, a tag before the appVersion */ -}}
{{- define "scheduled-reports.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ default $root.Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}
