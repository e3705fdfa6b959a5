// npm run bench [-- read|save|jobs|start|memory|analysis|regrading|exchange|login|transcode|watch|exam-day …] — see README.md beside this file.
import { mkdirSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { analysis } from "./analysis.ts";
import { examDay } from "./examDay.ts";
import { exchange } from "./exchange.ts";
import { jobs } from "./jobs.ts";
import { login } from "./login.ts";
import { memory } from "./memory.ts";
import { read } from "./read.ts";
import { regrading } from "./regrading.ts";
import { createReport, machine, type Report } from "./report.ts";
import { save } from "./save.ts";
import { start } from "./start.ts";
import { transcode } from "./transcode.ts";
import { watch } from "./watch.ts";
import { pinDriver, startWorld, type World } from "./world.ts";

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    students: { type: "string", default: "200" },
    think: { type: "string", default: "0" },
    profile: { type: "string" },
    mixed: { type: "boolean", default: false },
  },
});

const benchmarks: Record<string, (world: World, report: Report) => Promise<void>> = {
  read,
  save,
  jobs,
  start,
  memory,
  analysis,
  regrading,
  exchange,
  login,
  transcode,
  watch,
  "exam-day": (world, report) =>
    examDay(world, report, { students: Number(values.students), thinkMs: Number(values.think), mixed: values.mixed }),
};

/** In these, all share the machine as they do in life. */
const SHARED = new Set(["login", "transcode", "exam-day"]);

const unknown = positionals.filter((name) => !(name in benchmarks));
if (unknown.length > 0) {
  console.error(`There is no benchmark ${unknown.join(", ")}. There are: ${Object.keys(benchmarks).join(", ")}.`);
  process.exit(2);
}

const profileFolder = values.profile && path.resolve(values.profile);
if (profileFolder) mkdirSync(profileFolder, { recursive: true });

console.log(JSON.stringify(machine()));
const { report, printTable } = createReport();
for (const name of positionals.length > 0 ? positionals : Object.keys(benchmarks)) {
  pinDriver(undefined); // the databases may use every core
  const world = await startWorld({ profileFolder });
  if (!SHARED.has(name)) pinDriver("driver");
  try {
    await benchmarks[name]!(world, report);
  } catch (error) {
    console.error(`${name} failed:`, error); // the others may still have something to say
    process.exitCode = 1;
  } finally {
    await world.close();
  }
}
printTable();
