import { execFileSync } from "node:child_process";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import getPort from "get-port";
import { startProcess } from "../dev/ownProcess.ts";
import { cpuOf, cpuOfEndedChildren } from "./cpuTime.ts";
import { interleave, type Sample } from "./measure.ts";
import type { Report } from "./report.ts";
import { pinned, type World } from "./world.ts";

const ROUNDS = 5;

/** From the start of a process until /readyz says 200; the limits are an empty Node process and the least server that answers. */
export async function start(world: World, report: Report): Promise<void> {
  const compiled = (program: string) => () => untilReady(world, [path.join(world.built, `${program}.js`)]);
  const source = (program: string) => () =>
    untilReady(world, ["--import", "tsx", path.join(world.root, `${program}.ts`)]);
  const measured = await interleave(ROUNDS, {
    nothing,
    hello: () => untilReady(world, [path.join(world.root, "bench/bare/hello.mjs")]),
    server: compiled("server"),
    worker: compiled("worker"),
    "server from source": source("server"),
    "worker from source": source("worker"),
  });
  const { nothing: bare, hello, ...programs } = measured;
  const ms = ({ perSecond }: Sample) => 1000 / perSecond;
  const cpu = ({ cpuMicros }: Sample) => ({ process: cpuMicros.process! / 1000 });
  for (const [what, ours] of Object.entries({ "bare node:http server": hello, ...programs }))
    report({
      benchmark: "start",
      what,
      value: ms(ours),
      unit: "ms",
      cpu: cpu(ours),
      cpuUnit: "ms",
      limit: { what: "node -e 0", value: ms(bare), cpu: cpu(bare) },
      more: { timesHello: Math.round((10 * ms(ours)) / ms(hello)) / 10 },
    });
}

async function nothing(): Promise<Sample> {
  const [begun, cpuBefore] = [performance.now(), cpuOfEndedChildren()];
  const { command, args } = pinned("server", process.execPath, ["-e", "0"]);
  execFileSync(command, args);
  return sampleOf(begun, cpuOfEndedChildren() - cpuBefore);
}

async function untilReady(world: World, args: string[]): Promise<Sample> {
  const port = await getPort();
  const env = { ...process.env, NODE_ENV: "production", NODE_OPTIONS: "", ...world.env };
  const ports = { PORT: String(port), WORKER_PORT: String(port) };
  const begun = performance.now();
  const own = await startProcess({
    ...pinned("server", process.execPath, args),
    stopSignal: "SIGTERM",
    recordFile: path.join(world.folder, "start.json"),
    logFile: path.join(world.folder, "start.log"),
    cwd: world.root,
    env: { ...env, ...ports },
  });
  try {
    while (!(await isReady(port))) {
      if (!own.isRunning || performance.now() - begun > 60_000) throw new Error(`${args.at(-1)} did not come up`);
      await pause(3);
    }
    return sampleOf(begun, cpuOf(own.pid));
  } finally {
    await own.stop();
  }
}

const sampleOf = (begun: number, cpuSeconds: number): Sample => ({
  perSecond: 1000 / (performance.now() - begun),
  cpuMicros: { process: cpuSeconds * 1e6 },
});

async function isReady(port: number): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(5_000) });
    await response.arrayBuffer();
    return response.status === 200;
  } catch {
    return false; // it does not listen yet
  }
}
