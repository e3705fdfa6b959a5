import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { beforeAll, describe, expect, it } from "@jest/globals";
import { parseAllDocuments } from "yaml";
import { configSchema } from "../../src/config.ts";
import { allQueues } from "../../src/queues/allQueues.ts";
import { openSite } from "../support/processes.ts";
import { scrape } from "../support/samples.ts";
import { type Container, type Manifest, manifest } from "./kubernetes.ts";
import { defaultOf, unknownVariables } from "./variables.ts";
import { whereIs } from "./whereIs.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const CHART = path.join(ROOT, "deploy/helm/lectern");
const OWN_HELM = path.join(ROOT, ".lectern/tools/helm");
const helm = existsSync(OWN_HELM) ? OWN_HELM : whereIs("helm");
/** What must be given, and what may be. */
const NEEDED = [
  "APP_URL=https://school.example",
  "PUBLIC_URL=https://api.school.example",
  "MAIL_FROM=a@school.example",
];
const needed = [...NEEDED, "S3_BUCKET=lectern"].map((pair) => `config.${pair}`);
const everything = [
  "keda.enabled=true",
  "keda.withToken=true",
  "ingress.enabled=true",
  "ingress.host=api.school.example",
];

function rendered(...values: string[]): Manifest[] {
  const sets = values.flatMap((value) => ["--set", value]);
  const options = ["--namespace", "school", "--kube-version", "1.31.0", ...sets];
  const text = execFileSync(helm!, ["template", "lectern", CHART, ...options], { encoding: "utf8", stdio: "pipe" });
  return parseAllDocuments(text)
    .map((document) => document.toJS() as { kind: string; metadata?: { name: string } })
    .filter(Boolean)
    .map((document) => {
      const { data, error } = manifest.safeParse(document);
      if (error) throw new Error(`${document.kind} ${document.metadata?.name}: ${error.message}`);
      return data;
    });
}

type Kind<K extends Manifest["kind"]> = Extract<Manifest, { kind: K }>;
const only = <K extends Manifest["kind"]>(manifests: Manifest[], kind: K) =>
  manifests.filter((one): one is Kind<K> => one.kind === kind);
const named = <M extends Manifest>(manifests: M[], name: string): M => {
  const found = manifests.find((one) => one.metadata.name === name);
  if (!found) throw new Error(`there is no ${name}`);
  return found;
};
const containerOf = ({ spec }: Kind<"Deployment"> | Kind<"Job">): Container => spec.template.spec.containers[0]!;
const selects = (labels: Record<string, string>, pod: Record<string, string>) =>
  Object.entries(labels).every(([name, value]) => pod[name] === value);

const isRequired = (name: string) => !configSchema.shape[name as "PORT"].safeParse(undefined).success;
const required = Object.keys(configSchema.shape).filter(isRequired);
const secrets = ["DATABASE_URL", "REDIS_URL", "JWT_PRIVATE_KEY", "SECRETS_KEY", "SMTP_URL"];
const queues = allQueues.map(({ name }) => name).sort();

(helm ? describe : describe.skip)(`the chart${helm ? "" : " (skipped: no helm; tools/get-helm.sh)"}`, () => {
  let plain: Manifest[];
  let full: Manifest[];
  beforeAll(() => {
    plain = rendered(...needed);
    full = rendered(...needed, ...everything);
  });

  it("says what must be given", () => {
    for (const missing of NEEDED) {
      const rest = needed.filter((value) => value !== `config.${missing}`);
      expect(() => rendered(...rest)).toThrow(`config.${missing.split("=")[0]} must be given`);
    }
    expect(() => rendered(...needed.slice(0, -1))).toThrow("give config.S3_BUCKET or files.claim");
  });

  it("makes a server, a worker for each queue, the monitor, and a job for the migrations", () => {
    const deployments = only(plain, "Deployment").map(({ metadata }) => metadata.name);
    const workers = queues.map((queue) => `lectern-worker-${queue}`);
    expect(deployments.sort()).toEqual(["lectern-monitor", "lectern-server", ...workers]);
    expect(only(plain, "Job").map(({ metadata }) => metadata.name)).toEqual(["lectern-migrate"]);
    const ids = full.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    expect(new Set(ids).size).toBe(ids.length);
  });

  it("gives each worker its queue", () => {
    for (const queue of queues) {
      const { env } = containerOf(named(only(plain, "Deployment"), `lectern-worker-${queue}`));
      expect(env).toContainEqual({ name: "WORKER_QUEUES", value: queue });
    }
  });

  it("starts programs that there are", () => {
    for (const each of [...only(plain, "Deployment"), ...only(plain, "Job")]) {
      const [node, file] = containerOf(each).command;
      expect(node).toBe("node");
      expect(existsSync(path.join(ROOT, file!.replace(/^dist\/(.*)\.js$/, "$1.ts")))).toBe(true);
    }
  });

  it("sets only variables that there are, and every one that must be", () => {
    const { data } = named(only(plain, "ConfigMap"), "lectern");
    expect(unknownVariables(data)).toEqual([]);
    for (const each of only(plain, "Deployment")) {
      const { env, envFrom } = containerOf(each);
      expect(envFrom).toEqual([{ configMapRef: { name: "lectern" } }]);
      const names = env.map(({ name }) => name);
      expect(unknownVariables(Object.fromEntries(names.map((name) => [name, ""])))).toEqual([]);
      const certain = env.filter((one) => !("valueFrom" in one && one.valueFrom.secretKeyRef.optional));
      const set = new Set([...certain.map(({ name }) => name), ...Object.keys(data)]);
      expect(required.filter((name) => !set.has(name))).toEqual([]);
    }
  });

  it("takes secrets from the Secret only", () => {
    const { data } = named(only(plain, "ConfigMap"), "lectern");
    expect(Object.keys(data).filter((name) => /KEY|SECRET|DATABASE_URL|REDIS_URL|SMTP_URL|TOKEN/.test(name))).toEqual(
      [],
    );
    for (const each of only(plain, "Deployment"))
      for (const variable of secrets)
        expect(containerOf(each).env).toContainEqual({
          name: variable,
          valueFrom: { secretKeyRef: { name: "lectern", key: variable, optional: false } },
        });
  });

  it("asks each program for its health where it listens, also on another port", () => {
    const ports = { server: "PORT", "worker-exam": "WORKER_PORT", monitor: "MONITOR_PORT" } as const;
    const moved = rendered(...needed, ...Object.values(ports).map((variable, at) => `config.${variable}=${5000 + at}`));
    for (const [at, [program, variable]] of Object.entries(ports).entries()) {
      const deployment = (of: Manifest[]) => containerOf(named(only(of, "Deployment"), `lectern-${program}`));
      const { ports: open, livenessProbe, readinessProbe, startupProbe } = deployment(plain);
      expect(open).toEqual([{ name: "http", containerPort: defaultOf(variable) }]);
      expect(deployment(moved).ports).toEqual([{ name: "http", containerPort: 5000 + at }]);
      expect(livenessProbe?.httpGet).toEqual({ path: "/healthz", port: "http" });
      expect(startupProbe?.httpGet).toEqual({ path: "/healthz", port: "http" });
      expect(readinessProbe?.httpGet).toEqual({ path: "/readyz", port: "http" });
    }
    expect(named(only(moved, "Service"), "lectern-monitor").spec.ports[0]?.port).toBe(5002);
  });

  it("leads from the ingress through the service to the servers' port", () => {
    const [rule] = named(only(full, "Ingress"), "lectern").spec.rules;
    const { name, port } = rule!.http.paths[0]!.backend.service;
    const { spec } = named(only(full, "Service"), name);
    const { targetPort } = spec.ports.find((one) => one.name === port.name)!;
    const reached = only(full, "Deployment").filter((one) => selects(spec.selector, one.spec.template.metadata.labels));
    expect(reached.map(({ metadata }) => metadata.name)).toEqual(["lectern-server"]);
    expect(containerOf(reached[0]!).ports?.map((one) => one.name)).toContain(targetPort);
  });

  it("selects with each deployment its own pods alone", () => {
    for (const { metadata, spec } of only(plain, "Deployment")) {
      const matching = [...only(plain, "Deployment"), ...only(plain, "Job")].filter((other) =>
        selects(spec.selector.matchLabels, other.spec.template.metadata.labels),
      );
      expect(matching.map((other) => other.metadata.name)).toEqual([metadata.name]);
    }
  });

  it("has a disruption budget for the server and each worker, which lets a node be emptied", () => {
    const budgets = only(plain, "PodDisruptionBudget");
    const guarded = budgets.map(({ metadata, spec }) => {
      const { selector, template } = named(only(plain, "Deployment"), metadata.name).spec;
      expect(spec.selector).toEqual(selector);
      expect(selects(spec.selector.matchLabels, template.metadata.labels)).toBe(true);
      return metadata.name;
    });
    expect(guarded.sort()).toEqual(["lectern-server", ...queues.map((queue) => `lectern-worker-${queue}`)]);
  });

  it("replaces servers and workers one by one, and gives them time to drain and to finish", () => {
    const deployments = only(plain, "Deployment").filter(({ metadata }) => metadata.name !== "lectern-monitor");
    for (const { spec } of deployments) {
      expect(spec.strategy?.rollingUpdate).toEqual({ maxUnavailable: 0, maxSurge: 1 });
      expect(spec.template.spec.terminationGracePeriodSeconds).toBeGreaterThan(
        5 + Number(defaultOf("SHUTDOWN_SECONDS")),
      );
    }
    expect(containerOf(named(only(plain, "Deployment"), "lectern-server")).lifecycle?.preStop.exec.command).toEqual([
      "sleep",
      "5",
    ]);
  });

  it("migrates before anything else of an upgrade, with nothing but the database", () => {
    const job = named(only(plain, "Job"), "lectern-migrate");
    expect(job.metadata.annotations?.["helm.sh/hook"]).toBe("pre-install,pre-upgrade");
    expect(job.spec.template.spec.restartPolicy).toBe("Never");
    expect(containerOf(job).env.map(({ name }) => name)).toEqual(["DATABASE_URL"]);
  });

  it("upgrades the workers before the servers when asked to", () => {
    const halfway = only(rendered(...needed, "image.tag=2.0.0", "server.tag=1.0.0"), "Deployment");
    expect(containerOf(named(halfway, "lectern-server")).image).toBe("lectern:1.0.0");
    expect(containerOf(named(halfway, "lectern-worker-exam")).image).toBe("lectern:2.0.0");
  });

  it("shares the files of a claim among servers and workers", () => {
    const shared = rendered(...NEEDED.map((pair) => `config.${pair}`), "files.claim=lectern-files");
    expect(named(only(shared, "ConfigMap"), "lectern").data.STORAGE_DIR).toBe("/files");
    for (const each of only(shared, "Deployment")) {
      expect(containerOf(each).volumeMounts).toContainEqual({ name: "files", mountPath: "/files" });
      expect(each.spec.template.spec.volumes).toContainEqual({
        name: "files",
        persistentVolumeClaim: { claimName: "lectern-files" },
      });
    }
  });

  describe("with KEDA", () => {
    it("scales each worker by the length of its queue and the age of its oldest job", () => {
      for (const queue of queues) {
        const { spec } = named(only(full, "ScaledObject"), `lectern-worker-${queue}`);
        const deployment = named(only(full, "Deployment"), spec.scaleTargetRef.name);
        expect(deployment.spec.replicas).toBeUndefined(); // else every upgrade would undo the scaling
        expect(spec.maxReplicaCount).toBeGreaterThanOrEqual(spec.minReplicaCount);
        expect(spec.fallback.replicas).toBe(spec.minReplicaCount);
        expect(spec.triggers.map(({ name }) => name)).toEqual(["length", "age"]);
      }
    });

    it("reads what any worker exports about every queue", async () => {
      const site = await openSite();
      try {
        const { series } = await scrape(await site.start("worker", undefined, { WORKER_QUEUES: "system" }));
        for (const queue of queues) {
          const { triggers } = named(only(full, "ScaledObject"), `lectern-worker-${queue}`).spec;
          expect(series).toEqual(expect.arrayContaining(triggers.map(({ metadata }) => metadata.valueLocation)));
          for (const { metadata } of triggers) expect(metadata.valueLocation).toContain(`queue="${queue}"`);
        }
      } finally {
        await site.close();
      }
    }, 180_000);

    it("asks whichever worker there is, with the token when there is one", () => {
      const { metadata, spec } = named(only(full, "Service"), "lectern-workers");
      const asked = only(full, "Deployment").filter((one) => selects(spec.selector, one.spec.template.metadata.labels));
      expect(asked.map((one) => one.metadata.name)).toEqual(queues.map((queue) => `lectern-worker-${queue}`));
      const authentication = only(full, "TriggerAuthentication")[0]!;
      for (const one of only(full, "ScaledObject"))
        for (const trigger of one.spec.triggers) {
          expect(trigger.metadata.url).toBe(`http://${metadata.name}.school.svc:${spec.ports[0]!.port}/metrics`);
          expect(trigger.authenticationRef?.name).toBe(authentication.metadata.name);
        }
      const without = rendered(...needed, "keda.enabled=true");
      expect(only(without, "TriggerAuthentication")).toEqual([]);
      expect(only(without, "ScaledObject").every(({ spec: { triggers } }) => !triggers[0]!.authenticationRef)).toBe(
        true,
      );
    });
  });
});
