import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import getPort from "get-port";
import { parse, stringify } from "yaml";
import { startProcess } from "../../dev/ownProcess.ts";
import { eventually } from "./eventually.ts";

const FOLDER = fileURLToPath(new URL("../../deploy/prometheus/", import.meta.url));
export const GRAFANA = fileURLToPath(new URL("../../deploy/grafana/lectern.json", import.meta.url));

const isThere = ["prometheus", "promtool"].every((name) => !spawnSync(name, ["--version"]).error);
/** What a test's name says where Prometheus is missing; null where it is there. */
export const prometheusIsMissing = isThere ? null : "skipped: no prometheus; apt-get install prometheus";

export interface AlertRule {
  alert: string;
  expr: string;
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

const yamlOf = (name: string) => parse(readFileSync(path.join(FOLDER, name), "utf8"));

export const alertRules = (): AlertRule[] =>
  (yamlOf("rules.yml") as { groups: { rules: AlertRule[] }[] }).groups.flatMap(({ rules }) => rules);

/** The expressions of the rules' tests, with whether something is expected to come of them. */
export const testedExpressions = (): { expr: string; fires: boolean }[] =>
  (
    yamlOf("rules.test.yml") as { tests: { promql_expr_test: { expr: string; exp_samples: unknown[] }[] }[] }
  ).tests.flatMap((test) =>
    test.promql_expr_test.map(({ expr, exp_samples }) => ({ expr, fires: exp_samples.length > 0 })),
  );

interface Panel {
  title: string;
  targets?: { expr: string }[];
}

/** Every question that the dashboard asks, with its panel. */
export const panelExpressions = (): { title: string; expr: string }[] =>
  (JSON.parse(readFileSync(GRAFANA, "utf8")) as { panels: Panel[] }).panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ title, expr })),
  );

/** What `promtool` says in the folder of the rules. @throws with its words when it is not content */
export async function promtool(args: string[], input = ""): Promise<string> {
  const running = promisify(execFile)("promtool", args, { cwd: FOLDER });
  running.child.stdin?.end(input);
  try {
    return (await running).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`promtool ${args.join(" ")}:\n${stdout}${stderr}`, { cause: error });
  }
}

export interface Prometheus {
  /** The series that an expression has now. */
  query(expr: string): Promise<{ metric: Record<string, string>; value: [number, string] }[]>;
  /** The part of its API under this name. */
  api<Data>(name: string): Promise<Data>;
  close(): Promise<void>;
}

/** A Prometheus with the configuration we deliver, but for where the programs are found and how often it looks. */
export async function startPrometheus(targets: Record<string, string[]>): Promise<Prometheus> {
  const folder = mkdtempSync(path.join(os.tmpdir(), "lectern-prometheus-"));
  const config = yamlOf("prometheus.yml");
  config.global = { scrape_interval: "1s", evaluation_interval: "1s" };
  config.rule_files = [path.join(FOLDER, "rules.yml")];
  for (const job of config.scrape_configs) {
    delete job.dns_sd_configs;
    job.static_configs = [{ targets: targets[job.job_name] ?? [] }];
  }
  const configFile = path.join(folder, "prometheus.yml");
  writeFileSync(configFile, stringify(config));

  const url = `http://127.0.0.1:${await getPort()}`;
  const running = await startProcess({
    command: "prometheus",
    args: [
      `--config.file=${configFile}`,
      `--storage.tsdb.path=${path.join(folder, "data")}`,
      `--web.listen-address=${new URL(url).host}`,
      "--log.level=warn",
    ],
    stopSignal: "SIGTERM",
    recordFile: path.join(folder, "prometheus.json"),
    logFile: path.join(folder, "log"),
  });
  await eventually(
    "Prometheus is ready",
    async () => {
      if (!running.isRunning) throw new Error(`it ended:\n${readFileSync(path.join(folder, "log"), "utf8")}`);
      return (await fetch(`${url}/-/ready`).catch(() => null))?.ok; // refused until it listens
    },
    60_000,
  );

  async function api<Data>(name: string): Promise<Data> {
    const response = await fetch(`${url}/api/v1/${name}`);
    const answer = (await response.json()) as { status: string; error?: string; data: Data };
    if (answer.status !== "success") throw new Error(`Prometheus refuses ${decodeURIComponent(name)}: ${answer.error}`);
    return answer.data;
  }

  return {
    api,
    async query(expr) {
      const { result } = await api<{ result: { metric: Record<string, string>; value: [number, string] }[] }>(
        `query?query=${encodeURIComponent(expr)}`,
      );
      return result;
    },
    async close() {
      await running.kill(); // its data is thrown away
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
