import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";
import { parse } from "yaml";
import { allQueues } from "../../src/queues/allQueues.ts";
import { complaintsAbout, defaultOf, unknownVariables } from "./variables.ts";
import { describeWith } from "./whereIs.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const FILE = path.join(ROOT, "docker-compose.yml");
const EXTRAS = ["mails", "metrics", "s3"];

interface Service {
  image: string;
  build?: string;
  profiles?: string[];
  restart: string;
  command?: string[];
  entrypoint?: string[];
  environment?: Record<string, string>;
  ports?: string[];
  volumes?: string[];
  stop_grace_period?: string;
  depends_on?: Record<string, { condition: string }>;
  healthcheck?: { disable?: boolean; test?: string[] };
  deploy?: { resources: { limits: { cpus: string; memory: string } } };
}

/** As compose fills a value in for somebody who has set nothing. */
const filledIn = (value: string): string =>
  value.replace(/(?<!\$)\$\{\w+(?::-((?:\$\{[^}]*\}|[^}])*))?\}/g, (_all, other = "") => filledIn(other));
const { services: declared } = parse(readFileSync(FILE, "utf8"), { merge: true });
const services = Object.entries<Service>(
  JSON.parse(JSON.stringify(declared), (_key, value) => (typeof value === "string" ? filledIn(value) : value)),
);
const service = (name: string) => new Map(services).get(name)!;
/** Those that stay; the others do one thing and end. */
const lasting = services.filter(([, { restart }]) => restart !== "no");
const programs = services.filter(([, { image }]) => image === "lectern");
const coreServices = services.filter(([, { profiles }]) => !profiles);

describe("docker-compose.yml", () => {
  it("starts the core without a profile, and every extra only with its own", () => {
    const core = ["postgres", "redis", "keys", "migrate", "seed", "server", "worker", "transcoder", "monitor"];
    expect(coreServices.map(([name]) => name)).toEqual(core);
    const extras = services.flatMap(([, { profiles = [] }]) => profiles);
    expect([...new Set(extras)]).toEqual(EXTRAS);
    for (const [, { depends_on = {} }] of coreServices)
      for (const other of Object.keys(depends_on)) expect(core).toContain(other);
  });

  it.each(services)("gives %s an image of one version and limits", (_name, { image, build, deploy }) => {
    if (build) expect(image).toBe("lectern");
    else expect(image).toMatch(/^[\w./-]+:[\w.-]+$/);
    expect(image).not.toMatch(/:latest$/);
    expect(Number(deploy?.resources.limits.cpus)).toBeGreaterThan(0);
    expect(deploy?.resources.limits.memory).toMatch(/^\d+[MG]$/);
  });

  it.each(lasting)("asks %s for its health", (_name, { healthcheck }) => {
    expect(healthcheck?.disable).toBeUndefined();
    expect(healthcheck?.test?.[0]).toBe("CMD");
  });

  it.each([
    ["server", "PORT"],
    ["worker", "WORKER_PORT"],
    ["transcoder", "WORKER_PORT"],
    ["monitor", "MONITOR_PORT"],
  ] as const)("asks %s where it listens", (name, variable) => {
    expect(service(name).healthcheck?.test?.join(" ")).toContain(`127.0.0.1:${defaultOf(variable)}/healthz`);
  });

  it.each(programs)("gives %s only variables that there are", (name, { environment = {} }) => {
    expect(unknownVariables(environment)).toEqual(name === "seed" ? ["DEMO_SCHOOL"] : []);
  });

  it.each(programs)("sets every variable that %s must have", (_name, { environment = {} }) => {
    expect(complaintsAbout(environment)).toBe("");
  });

  it("has one worker for each queue, and none that works on no queue", () => {
    const worked = programs
      .filter(([, { command }]) => command?.includes("dist/worker.js"))
      .flatMap(([, { environment }]) => environment!.WORKER_QUEUES!.split(","));
    expect(worked.sort()).toEqual(allQueues.map(({ name }) => name).sort());
  });

  it("gives programs more time to stop than they take themselves", () => {
    const allowed = Number(service("server").stop_grace_period?.replace("s", ""));
    expect(allowed).toBeGreaterThan(Number(defaultOf("SHUTDOWN_SECONDS")));
  });

  it("starts programs after the migrations, and those after the database", () => {
    const waitsFor = (name: string) => service(name).depends_on ?? {};
    expect(waitsFor("migrate")).toMatchObject({ postgres: { condition: "service_healthy" } });
    expect(waitsFor("seed")).toMatchObject({ migrate: { condition: "service_completed_successfully" } });
    for (const name of ["server", "worker", "transcoder", "monitor"])
      expect(waitsFor(name)).toMatchObject({ seed: { condition: "service_completed_successfully" } });
  });

  it("mounts only files and folders that there are", () => {
    const mounted = services.flatMap(([, { volumes = [] }]) => volumes.filter((volume) => volume.startsWith("./")));
    expect(mounted.length).toBeGreaterThan(0);
    expect(mounted.filter((volume) => !existsSync(path.join(ROOT, volume.split(":")[0]!)))).toEqual([]);
  });

  it("lets Prometheus find every program", () => {
    const { scrape_configs } = parse(readFileSync(path.join(ROOT, "deploy/prometheus/prometheus.yml"), "utf8"));
    const jobs = scrape_configs as { job_name: string; dns_sd_configs: { names: string[] }[] }[];
    const scraped = jobs.flatMap((job) => job.dns_sd_configs.flatMap(({ names }) => names));
    expect(scraped).toEqual(expect.arrayContaining(["server", "worker", "transcoder", "monitor"]));
  });

  it("opens no port to others unless it is told to", () => {
    const ports = services.flatMap(([, { ports = [] }]) => ports);
    expect(ports.filter((port) => !port.startsWith("127.0.0.1:"))).toEqual([]);
  });
});

describe("the image", () => {
  const dockerfile = readFileSync(path.join(ROOT, "Dockerfile"), "utf8");

  it("is built of one version of its base, and does not run as root", () => {
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
    expect(new Set(bases).size).toBe(1);
    expect(bases[0]).toMatch(/^node:\d+-bookworm-slim$/);
    expect(dockerfile).toMatch(/^USER node$/m);
  });

  it("holds every program that compose starts", () => {
    const started = programs.flatMap(([, { command = [] }]) => command.join(" ").match(/dist\/[\w/]+\.js/g) ?? []);
    expect(new Set(started).size).toBeGreaterThan(3);
    for (const file of started) {
      const source = path.join(ROOT, file.replace(/^dist\//, "").replace(/\.js$/, ".ts"));
      expect(existsSync(source)).toBe(true);
    }
  });
});

describeWith("docker-compose", "apt-get install docker-compose", "docker-compose itself", (dockerCompose) => {
  it.each([[[]], [EXTRAS]])("takes the file with the profiles %j", (profiles) => {
    const { PATH, HOME } = process.env;
    const env = { PATH, HOME, COMPOSE_PROFILES: profiles.join(",") };
    execFileSync(dockerCompose, ["--file", FILE, "config", "--quiet"], { env, cwd: ROOT, stdio: "pipe" });
  });
});
