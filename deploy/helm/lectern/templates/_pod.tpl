{{- define "lectern.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{/* What tells one program's pods from all others; takes [root, component]. */}}
{{- define "lectern.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ $root.Chart.Name }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "lectern.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* A value of the Secret as a variable; takes [root, key, optional]. */}}
{{- define "lectern.secretVariable" -}}
- name: {{ index . 1 }}
  valueFrom: { secretKeyRef: { name: {{ (index . 0).Values.secret.name }}, key: {{ index . 1 }}, optional: {{ index . 2 }} } }
{{- end }}

{{- define "lectern.environment" -}}
envFrom:
  - configMapRef: { name: {{ .Release.Name }} }
env:
  {{- range .Values.secret.required }}
  {{- include "lectern.secretVariable" (list $ . false) | nindent 2 }}
  {{- end }}
  {{- range .Values.secret.optional }}
  {{- include "lectern.secretVariable" (list $ . true) | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "lectern.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
{{- end }}

{{- define "lectern.podSecurity" -}}
automountServiceAccountToken: false
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{/* Alive: the process answers. Ready: it can work; a database that is away must not restart it. Takes the port. */}}
{{- define "lectern.probes" -}}
ports:
  - { name: http, containerPort: {{ . }} }
startupProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 2
  failureThreshold: 60
livenessProbe:
  httpGet: { path: /healthz, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 6
readinessProbe:
  httpGet: { path: /readyz, port: http }
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- end }}

{{- define "lectern.drain" -}}
lifecycle:
  preStop: { exec: { command: [sleep, {{ .Values.drainSeconds | quote }}] } }
{{- end }}

{{/* Longer than draining and SHUTDOWN_SECONDS together. */}}
{{- define "lectern.gracePeriod" -}}
{{- add .Values.drainSeconds (.Values.config.SHUTDOWN_SECONDS | default 20) 10 -}}
{{- end }}

{{- define "lectern.mounts" -}}
volumeMounts:
  - { name: tmp, mountPath: /tmp }
  {{- if .Values.files.claim }}
  - { name: files, mountPath: /files }
  {{- end }}
{{- end }}

{{/* Takes [root, size of /tmp]. */}}
{{- define "lectern.volumes" -}}
{{- $root := index . 0 -}}
volumes:
  - { name: tmp, emptyDir: { sizeLimit: {{ index . 1 }} } }
  {{- if $root.Values.files.claim }}
  - { name: files, persistentVolumeClaim: { claimName: {{ $root.Values.files.claim }} } }
  {{- end }}
{{- end }}
