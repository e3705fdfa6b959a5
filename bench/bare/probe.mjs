// Loaded into a measured program with --import, listens on the socket BENCH_PROBE names: what its memory holds, how late its event
// loop is, and CPU profiles.
import http from "node:http";
import { Session } from "node:inspector/promises";
import { monitorEventLoopDelay } from "node:perf_hooks";

const session = new Session();
session.connect();

// Between two looks it does not notice a delay, and each look is itself part of the time it reports.
const LOOK_EVERY_MS = 2;
const loop = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS });
const lateness = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - LOOK_EVERY_MS);

const commands = {
  async memory() {
    await session.post("HeapProfiler.collectGarbage");
    return process.memoryUsage();
  },
  async peak() {
    return { bytes: process.resourceUsage().maxRSS * 1024 };
  },
  async watchLoop() {
    loop.reset();
    loop.enable();
    return {};
  },
  async loopDelay() {
    loop.disable();
    return { p50: lateness(loop.percentile(50)), p99: lateness(loop.percentile(99)), max: lateness(loop.max) };
  },
  async begin() {
    await session.post("Profiler.enable");
    await session.post("Profiler.setSamplingInterval", { interval: 500 });
    await session.post("Profiler.start");
    return {};
  },
  async end() {
    return (await session.post("Profiler.stop")).profile;
  },
};

http
  .createServer(async (request, response) => {
    response.end(JSON.stringify(await commands[request.url.slice(1)]()));
  })
  .listen(process.env.BENCH_PROBE)
  .unref();
