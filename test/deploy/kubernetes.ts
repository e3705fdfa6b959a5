import { z } from "zod";

// The part of Kubernetes' and KEDA's types that the chart uses, closed: a misspelt field is an error here, as it would be a field
// without effect in a cluster. A field that the chart comes to use is added to it.

const name = z.string().regex(/^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/, "must be a DNS label");
const labels = z.record(z.string(), z.string().max(63));
const metadata = z.strictObject({ name, labels, annotations: z.record(z.string(), z.string()).optional() });
const selector = z.strictObject({ matchLabels: labels });
const port = z.int().min(1).max(65_535);
const quantity = z.union([z.string().regex(/^\d+(\.\d+)?(m|Mi|Gi)?$/), z.number()]);
const quantities = z.strictObject({ cpu: quantity.optional(), memory: quantity });

const probe = z.strictObject({
  httpGet: z.strictObject({ path: z.string().startsWith("/"), port: name }),
  periodSeconds: z.int().optional(),
  timeoutSeconds: z.int().optional(),
  failureThreshold: z.int().optional(),
});

const variable = z.union([
  z.strictObject({ name: z.string(), value: z.string() }),
  z.strictObject({
    name: z.string(),
    valueFrom: z.strictObject({ secretKeyRef: z.strictObject({ name, key: z.string(), optional: z.boolean() }) }),
  }),
]);

const container = z.strictObject({
  name,
  image: z.string().regex(/^[\w./-]+:[\w.-]+$/),
  imagePullPolicy: z.enum(["IfNotPresent", "Always", "Never"]),
  command: z.array(z.string()),
  envFrom: z.array(z.strictObject({ configMapRef: z.strictObject({ name }) })).optional(),
  env: z.array(variable),
  ports: z.array(z.strictObject({ name, containerPort: port })).optional(),
  startupProbe: probe.optional(),
  livenessProbe: probe.optional(),
  readinessProbe: probe.optional(),
  lifecycle: z
    .strictObject({
      preStop: z.strictObject({ exec: z.strictObject({ command: z.array(z.string()) }) }),
    })
    .optional(),
  resources: z.strictObject({ requests: quantities, limits: quantities }),
  securityContext: z.strictObject({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.strictObject({ drop: z.tuple([z.literal("ALL")]) }),
  }),
  volumeMounts: z.array(z.strictObject({ name, mountPath: z.string().startsWith("/") })),
});

const pod = z.strictObject({
  metadata: z.strictObject({ labels, annotations: z.record(z.string(), z.string()).optional() }),
  spec: z.strictObject({
    automountServiceAccountToken: z.literal(false),
    imagePullSecrets: z.array(z.strictObject({ name })).optional(),
    securityContext: z.strictObject({
      runAsNonRoot: z.literal(true),
      runAsUser: z.int().min(1),
      runAsGroup: z.int().min(1),
      fsGroup: z.int().min(1),
      fsGroupChangePolicy: z.enum(["OnRootMismatch", "Always"]),
      seccompProfile: z.strictObject({ type: z.literal("RuntimeDefault") }),
    }),
    restartPolicy: z.enum(["Never", "OnFailure", "Always"]).optional(),
    terminationGracePeriodSeconds: z.int().optional(),
    topologySpreadConstraints: z
      .array(
        z.strictObject({
          maxSkew: z.int().min(1),
          topologyKey: z.string(),
          whenUnsatisfiable: z.enum(["ScheduleAnyway", "DoNotSchedule"]),
          labelSelector: selector,
        }),
      )
      .optional(),
    containers: z.array(container).length(1),
    volumes: z.array(
      z.union([
        z.strictObject({ name, emptyDir: z.strictObject({ sizeLimit: quantity }) }),
        z.strictObject({ name, persistentVolumeClaim: z.strictObject({ claimName: name }) }),
      ]),
    ),
  }),
});

const deployment = z.strictObject({
  apiVersion: z.literal("apps/v1"),
  kind: z.literal("Deployment"),
  metadata,
  spec: z.strictObject({
    replicas: z.int().min(1).optional(),
    strategy: z
      .strictObject({ rollingUpdate: z.strictObject({ maxUnavailable: z.int(), maxSurge: z.int() }) })
      .optional(),
    selector,
    template: pod,
  }),
});

const trigger = z.strictObject({
  type: z.literal("metrics-api"),
  name: z.string(),
  metadata: z.strictObject({
    url: z.url(),
    format: z.literal("prometheus"),
    valueLocation: z.string(),
    targetValue: z.string().regex(/^\d+$/, "KEDA takes texts only"),
    authMode: z.literal("bearer").optional(),
  }),
  authenticationRef: z.strictObject({ name }).optional(),
});

const scaledObject = z.strictObject({
  apiVersion: z.literal("keda.sh/v1alpha1"),
  kind: z.literal("ScaledObject"),
  metadata,
  spec: z.strictObject({
    scaleTargetRef: z.strictObject({ name }),
    pollingInterval: z.int(),
    minReplicaCount: z.int().min(1),
    maxReplicaCount: z.int(),
    fallback: z.strictObject({ failureThreshold: z.int(), replicas: z.int() }),
    advanced: z.strictObject({
      horizontalPodAutoscalerConfig: z.strictObject({
        behavior: z.strictObject({ scaleDown: z.strictObject({ stabilizationWindowSeconds: z.int().max(3_600) }) }),
      }),
    }),
    triggers: z.array(trigger).min(1),
  }),
});

const others = [
  z.strictObject({
    apiVersion: z.literal("v1"),
    kind: z.literal("ConfigMap"),
    metadata,
    data: z.record(z.string(), z.string()),
  }),
  z.strictObject({
    apiVersion: z.literal("v1"),
    kind: z.literal("Service"),
    metadata,
    spec: z.strictObject({
      selector: labels,
      ports: z.array(z.strictObject({ name, port, targetPort: name })),
    }),
  }),
  z.strictObject({
    apiVersion: z.literal("policy/v1"),
    kind: z.literal("PodDisruptionBudget"),
    metadata,
    spec: z.strictObject({ maxUnavailable: z.int().min(1), selector }),
  }),
  z.strictObject({
    apiVersion: z.literal("batch/v1"),
    kind: z.literal("Job"),
    metadata,
    spec: z.strictObject({ backoffLimit: z.int(), activeDeadlineSeconds: z.int(), template: pod }),
  }),
  z.strictObject({
    apiVersion: z.literal("networking.k8s.io/v1"),
    kind: z.literal("Ingress"),
    metadata,
    spec: z.strictObject({
      ingressClassName: z.string().optional(),
      rules: z.array(
        z.strictObject({
          host: z.string(),
          http: z.strictObject({
            paths: z.array(
              z.strictObject({
                path: z.string(),
                pathType: z.enum(["Prefix", "Exact"]),
                backend: z.strictObject({
                  service: z.strictObject({ name, port: z.strictObject({ name }) }),
                }),
              }),
            ),
          }),
        }),
      ),
      tls: z.array(z.strictObject({ hosts: z.array(z.string()), secretName: name })).optional(),
    }),
  }),
  z.strictObject({
    apiVersion: z.literal("keda.sh/v1alpha1"),
    kind: z.literal("TriggerAuthentication"),
    metadata,
    spec: z.strictObject({
      secretTargetRef: z.array(z.strictObject({ parameter: z.literal("token"), name, key: z.string() })),
    }),
  }),
] as const;

export const manifest = z.discriminatedUnion("kind", [deployment, scaledObject, ...others]);
export type Manifest = z.output<typeof manifest>;
export type Container = z.output<typeof container>;
