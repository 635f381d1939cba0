{{/* User data of the nodes: a MIME message of parts. */}}
{{- define "nodepool.userData" -}}
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="e6data"

{{ with .Values.proxy.https -}}
--e6data
Content-Type: text/cloud-boothook; charset="us-ascii"

{{ $.Files.Get "files/proxy.sh" | replace "@HTTPS_PROXY@" . | replace "@NO_PROXY@" $.Values.proxy.direct }}
{{ end -}}
{{ .Files.Get "files/user-data.mime" }}
{{- end }}
