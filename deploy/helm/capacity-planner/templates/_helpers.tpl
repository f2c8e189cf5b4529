{{- define "capacity-planner.name" -}}
{{- .Release.Name | trunc 52 | trimSuffix "-" -}}
{{- end -}}

{{- define "capacity-planner.selector" -}}
app.kubernetes.io/name: capacity-planner
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "capacity-planner.labels" -}}
{{ include "capacity-planner.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end -}}

{{- define "capacity-planner.account" -}}
{{- if .Values.serviceAccount.name -}}
{{ .Values.serviceAccount.name }}
{{- else if .Values.serviceAccount.create -}}
{{ include "capacity-planner.name" . }}
{{- else -}}
default
{{- end -}}
{{- end -}}

{{- define "capacity-planner.image" -}}
{{- $where := required "image.repository: say where your image is; docs/how-to/run-in-kubernetes.md builds one" .Values.image.repository -}}
{{ $where }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end -}}

{{/* The account's rules for the resources of one namespace, or of all of them. */}}
{{- define "capacity-planner.rules" -}}
- apiGroups: [capacity-planner.io]
  resources: [capacitypolicies, workerpools]
  verbs: [list, watch]
- apiGroups: [capacity-planner.io]
  resources: [capacitypolicies/status, workerpools/status]
  verbs: [patch]
- apiGroups: [autoscaling]
  resources: [horizontalpodautoscalers]
  verbs: [list, watch]
- apiGroups: [keda.sh]
  resources: [scaledobjects]
  verbs: [list, watch]
- apiGroups: [apps]
  resources: [deployments/scale, statefulsets/scale, replicasets/scale]
  verbs: [get, patch]
{{- if .Values.workerPools }}
- apiGroups: [capacity-planner.io]
  resources: [workerpools/scale]
  verbs: [get, patch]
- apiGroups: [apps]
  resources: [deployments]
  verbs: [list, create, update, patch]
{{- end }}
{{- range .Values.scaleTargets }}
- apiGroups: {{ toJson .apiGroups }}
  resources: {{ toJson .resources }}
  verbs: [get, patch]
{{- end }}
- apiGroups: [events.k8s.io]
  resources: [events]
  verbs: [create]
{{- end -}}

{{/* What a pod of the planner is made of, beside its container: account, volumes, where it runs. */}}
{{- define "capacity-planner.pod" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
{{- range . }}
  - name: {{ . }}
{{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  seccompProfile:
    type: RuntimeDefault
terminationGracePeriodSeconds: 60
# The variables of a Service named capacity-planner would look like settings.
enableServiceLinks: false
{{- with .Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- end -}}

{{/* What its container is made of, beside its arguments and ports. */}}
{{- define "capacity-planner.container" -}}
image: {{ include "capacity-planner.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
env:
  - name: CAPACITY_PLANNER_SERVER_STORE
{{- if .Values.store.existingSecret }}
    valueFrom:
      secretKeyRef:
        name: {{ .Values.store.existingSecret }}
        key: {{ .Values.store.key }}
{{- else }}
    value: sqlite:////data/capacity-planner.db
{{- end }}
  - name: CAPACITY_PLANNER_SERVER_LOG_FORMAT
    value: {{ .Values.log.format }}
  - name: CAPACITY_PLANNER_SERVER_LOG_LEVEL
    value: {{ .Values.log.level }}
  - name: NUMBA_CACHE_DIR
    value: /tmp/numba
{{- with .Values.extraEnv }}
{{ toYaml . | indent 2 }}
{{- end }}
resources: {{- toYaml .Values.resources | nindent 2 }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
{{- end -}}
