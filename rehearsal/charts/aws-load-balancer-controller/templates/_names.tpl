{{- define "lbc.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "lbc.fullname" -}}
{{- $name := include "lbc.name" . -}}
{{- $full := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) -}}
{{- .Values.fullnameOverride | default $full | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* Prefix of what belongs to the webhook: "aws-load-balancer" by default. */}}
{{- define "lbc.prefix" -}}
{{- include "lbc.fullname" . | trimSuffix "-controller" -}}
{{- end -}}

{{- define "lbc.serviceAccount" -}}
{{- .Values.serviceAccount.name | default (ternary (include "lbc.fullname" .) "default" .Values.serviceAccount.create) -}}
{{- end -}}

{{- define "lbc.ingressClassParams" -}}
{{- .Values.ingressClassParams.name | default .Values.ingressClass -}}
{{- end -}}

{{- define "lbc.selector" -}}
app.kubernetes.io/name: {{ include "lbc.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "lbc.labels" -}}
{{ include "lbc.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- range $key, $value := .Values.additionalLabels }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end -}}

{{- define "lbc.subject" -}}
- kind: ServiceAccount
  name: {{ include "lbc.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end -}}

{{/* "a=1,b=2" of a map, in the order of its keys. */}}
{{- define "lbc.pairs" -}}
{{- $pairs := list -}}
{{- range $key, $value := . -}}
{{- $pairs = append $pairs (printf "%s=%v" $key $value) -}}
{{- end -}}
{{- join "," $pairs -}}
{{- end -}}

{{/* The webhook's certificate as JSON: given, kept from the cluster, or made.
     Each value is base64 of PEM. */}}
{{- define "lbc.certificate" -}}
{{- $service := printf "%s-webhook-service" (include "lbc.prefix" .) -}}
{{- $kept := dict -}}
{{- if .Values.keepTLSSecret -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace (print (include "lbc.prefix" .) "-tls") | default dict -}}
{{- $kept = $secret.data | default dict -}}
{{- end -}}
{{- if .Values.webhookTLS.cert -}}
{{- dict "ca" .Values.webhookTLS.caCert "cert" .Values.webhookTLS.cert "key" .Values.webhookTLS.key | toJson -}}
{{- else if and (hasKey $kept "ca.crt") (hasKey $kept "tls.crt") (hasKey $kept "tls.key") -}}
{{- dict "ca" (index $kept "ca.crt") "cert" (index $kept "tls.crt") "key" (index $kept "tls.key") | toJson -}}
{{- else -}}
{{- $names := list (printf "%s.%s.svc" $service .Release.Namespace) (printf "%s.%s.svc.cluster.local" $service .Release.Namespace) -}}
{{- $ca := genCA (print (include "lbc.fullname" .) "-ca") 3650 -}}
{{- $cert := genSignedCert (include "lbc.fullname" .) nil $names 3650 $ca -}}
{{- dict "ca" (b64enc $ca.Cert) "cert" (b64enc $cert.Cert) "key" (b64enc $cert.Key) | toJson -}}
{{- end -}}
{{- end -}}
