import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { ladderFor } from "../src/domain/video/ladder.ts";
import { renditionOutput } from "../src/ffmpeg/arguments.ts";
import { createFfmpeg } from "../src/ffmpeg/ffmpeg.ts";
import { STORAGE_KEYS } from "../src/storage/storageKeys.ts";
import { createLogger } from "../src/utils/logger.ts";
import { aSchool } from "../test/support/school.ts";
import { cpuOfEndedChildren, cpuOfTree } from "./cpuTime.ts";
import { quantile } from "./measure.ts";
import type { Report } from "./report.ts";
import type { World } from "./world.ts";

const CLIP_SECONDS = 30;
const LIMIT_MS = 600_000;
/** A request begins this long after the one before was answered: what a few people do, not what a server can. */
const REQUEST_PAUSE_MS = 5;
const IDLE_MS = 20_000;

/**
 * A clip of 720p from the request to process it until it is READY, against one bare ffmpeg that writes the same sizes with the
 * same settings; and how long `{ serverTime }` takes meanwhile, against how long it takes while nothing else is done.
 * A bare server is asked in turn with it, and the database polled in both phases: what is slower for both is the machine's and the driver's.
 */
export async function transcode(world: World, report: Report): Promise<void> {
  const clip = path.join(world.folder, "clip.mp4");
  await run("ffmpeg", [
    ...[
      "-nostdin",
      "-y",
      "-loglevel",
      "error",
      "-f",
      "lavfi",
      "-i",
      `testsrc2=size=1280x720:rate=30:duration=${CLIP_SECONDS}`,
    ],
    ...["-f", "lavfi", "-i", `sine=duration=${CLIP_SECONDS}`, "-preset", "veryfast", "-pix_fmt", "yuv420p", clip],
  ]);
  const bare = await bareLadder(clip, path.join(world.folder, "bare"));

  world.env.STORAGE_DIR = path.join(world.folder, "stored");
  const server = await world.startServer();
  const worker = await world.startWorker();
  const hello = await world.startBare("hello.mjs");
  try {
    const ports = [server.port, hello.port] as const;
    await latencies(ports, pause(2_000)); // warms up
    const [idle, bareIdle] = await latencies(ports, polling(world, IDLE_MS));
    const cpuBefore = cpuOfTree(worker.pid);
    const begun = performance.now();
    let seconds = 0;
    const processing = processed(world, clip).then(() => {
      seconds = (performance.now() - begun) / 1000;
    });
    const [busy, bareBusy] = await latencies(ports, processing);
    await processing;
    report({
      benchmark: "transcode",
      what: `${CLIP_SECONDS} s of 720p to READY, three sizes and previews`,
      value: seconds,
      unit: "s",
      cpu: { worker: cpuOfTree(worker.pid) - cpuBefore },
      cpuUnit: "s",
      limit: { what: "one bare ffmpeg, the same sizes", value: bare.seconds, cpu: { ffmpeg: bare.cpu } },
      more: { timesClip: (seconds / CLIP_SECONDS).toFixed(2) },
    });
    for (const [name, share] of [
      ["p50", 0.5],
      ["p99", 0.99],
    ] as const)
      report({
        benchmark: "transcode",
        what: `{ serverTime } ${name} while a worker transcodes`,
        value: quantile(busy, share),
        unit: "ms",
        limit: { what: "while nothing else is done", value: quantile(idle, share) },
        more: {
          requests: `${busy.length} and ${idle.length}`,
          bareServer: (quantile(bareBusy, share) / quantile(bareIdle, share)).toFixed(2),
        },
      });
  } finally {
    for (const program of [hello, worker, server]) await program.stop();
  }
}

const run = promisify(execFile);

/** All sizes in one run, which decodes the clip once: as fast as ffmpeg can be with these settings. */
async function bareLadder(clip: string, folder: string): Promise<{ seconds: number; cpu: number }> {
  const log = createLogger({ level: "warn", pretty: false, program: "bench" });
  const ffmpeg = createFfmpeg({ searchPath: process.env.PATH!, threads: 0, log });
  const facts = await ffmpeg.probe(clip, new AbortController().signal);
  const outputs: string[] = [];
  for (const rung of ladderFor(facts)) {
    const own = path.join(folder, String(rung.height));
    await mkdir(own, { recursive: true });
    outputs.push(...renditionOutput({ facts, rung, folder: own, threads: 0, preset: "veryfast", maxSeconds: 3600 }));
  }
  const [begun, cpuBefore] = [performance.now(), cpuOfEndedChildren()];
  await run("ffmpeg", ["-nostdin", "-y", "-loglevel", "error", "-i", clip, ...outputs]);
  return { seconds: (performance.now() - begun) / 1000, cpu: cpuOfEndedChildren() - cpuBefore };
}

/** Asks for the clip to be processed and waits until it is. */
const processed = (world: World, clip: string): Promise<void> =>
  world.prepare(async (container) => {
    const { services, storage, db } = container;
    const { teacher, courseId } = await aSchool(container);
    const { id } = await services.videos.create(teacher.actor, { courseId, title: "Clip" });
    const sourceKey = STORAGE_KEYS.SOURCE(id, "clip");
    await storage.put(sourceKey, clip);
    await db.video.update({ where: { id }, data: { sourceKey } });
    await services.processing.retry(teacher.actor, id);
    for (const deadline = performance.now() + LIMIT_MS; ; await pause(50)) {
      const { status, error } = await db.video.findUniqueOrThrow({ where: { id } });
      if (status === "READY") return;
      if (status === "FAILED" || performance.now() > deadline) throw new Error(`the clip was not processed: ${error}`);
    }
  });

/** What `processed` does while it waits, with nothing to wait for. */
const polling = (world: World, ms: number): Promise<void> =>
  world.prepare(async ({ db }) => {
    for (const end = performance.now() + ms; performance.now() < end; await pause(50)) await db.video.count();
  });

/** Milliseconds of one request after the other to each server in turn, until something else is done. */
async function latencies(ports: readonly [number, number], until: Promise<unknown>): Promise<[number[], number[]]> {
  const agent = new http.Agent({ keepAlive: true });
  const taken: [number[], number[]] = [[], []];
  let isOver = false;
  const over = until.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    for (const [at, port] of ports.entries()) {
      const begun = performance.now();
      await ask(port, agent);
      taken[at]!.push(performance.now() - begun);
      await pause(REQUEST_PAUSE_MS);
    }
  }
  agent.destroy();
  await over;
  return taken;
}

const ask = (port: number, agent: http.Agent): Promise<void> =>
  new Promise((resolve, reject) => {
    const headers = { "content-type": "application/json" };
    const request = http.request({ port, agent, path: "/graphql", method: "POST", headers }, (response) => {
      response.resume();
      response.once("end", () =>
        response.statusCode === 200 ? resolve() : reject(new Error(`answered with ${response.statusCode}`)),
      );
    });
    request.once("error", reject);
    request.end('{"query":"{ serverTime }"}');
  });
