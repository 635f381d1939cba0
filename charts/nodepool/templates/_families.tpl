{{/*
Refuses an instance family whose processor is none of the architectures: it would
never be taken, and nobody would know. AWS writes the processor behind the
generation, g for Graviton
(https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-type-names.html);
a1 is older than that.
*/}}
{{- define "nodepool.checkFamilies" -}}
{{- range .Values.instanceFamilies }}
{{- $architecture := ternary "arm64" "amd64" (or (eq . "a1") (regexMatch "^[a-z]+[0-9]+g" .)) }}
{{- if not (has $architecture $.Values.architectures) }}
{{- fail (printf "instance family %s has %s processors, but only %s may be used: take the family out, or allow its architecture" . $architecture (join ", " $.Values.architectures)) }}
{{- end }}
{{- end }}
{{- end }}
