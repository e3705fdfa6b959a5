import { execFileSync } from "node:child_process";
import os from "node:os";

/** One measured thing beside its limit: the least that could do the same, measured in the same run. */
export interface Figure {
  benchmark: string;
  what: string;
  value: number;
  unit: string;
  /** CPU by process, in `cpuUnit`. */
  cpu?: Record<string, number>;
  cpuUnit?: string;
  limit?: { what: string; value: number; cpu?: Record<string, number> };
  /** `value` as a share of the limit's. */
  ratio?: number;
  /** Anything else worth a reader's time, e.g. quantiles or sizes. */
  more?: Record<string, number | string>;
}

export type Report = (figure: Figure) => void;

const round = (value: number): number => Number(value.toPrecision(4));

const roundAll = (values: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, round(value)]));

/** Prints each figure as a JSON line when it is there, and all of them as a table in the end. */
export function createReport(): { report: Report; printTable(): void } {
  const figures: Figure[] = [];
  return {
    report(figure) {
      const { limit } = figure;
      const rounded: Figure = {
        ...figure,
        value: round(figure.value),
        ...(figure.cpu && { cpu: roundAll(figure.cpu) }),
        ...(limit && {
          limit: { ...limit, value: round(limit.value), ...(limit.cpu && { cpu: roundAll(limit.cpu) }) },
        }),
        ...(limit && { ratio: round(figure.value / limit.value) }),
      };
      figures.push(rounded);
      console.log(JSON.stringify(rounded));
    },
    printTable() {
      console.log(`\n${tableOf(figures)}`);
    },
  };
}

function tableOf(figures: readonly Figure[]): string {
  const head = ["benchmark", "what", "figure", "CPU of each", "limit", "ratio", ""];
  const rows = figures.map(({ benchmark, what, value, unit, cpu, cpuUnit, limit, ratio, more }) => [
    benchmark,
    what,
    `${value} ${unit}`,
    cpu ? `${listed(cpu)} ${cpuUnit}` : "",
    limit ? `${limit.what}: ${limit.value}${limit.cpu ? ` (${listed(limit.cpu)} ${cpuUnit})` : ""}` : "",
    ratio === undefined ? "" : String(ratio),
    more ? listed(more) : "",
  ]);
  return [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}

const listed = (values: Record<string, number | string>): string =>
  Object.entries(values)
    .map(([name, value]) => `${name} ${value}`)
    .join(", ");

/** What a reader must know to compare figures: never a figure without the machine and its load. */
export const machine = () => ({
  machine: os.cpus()[0]?.model,
  cores: os.availableParallelism(),
  memoryGb: round(os.totalmem() / 2 ** 30),
  system: `${os.type()} ${os.release()}`,
  node: process.version,
  loadAverage: os.loadavg().map(round),
  commit: commit(),
  at: new Date().toISOString(),
});

function commit(): string {
  try {
    return execFileSync("git", ["rev-parse", "--short", "HEAD"], { encoding: "utf8", stdio: "pipe" }).trim();
  } catch {
    return "unknown"; // not a checkout
  }
}
