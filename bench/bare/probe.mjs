// Loaded into a measured program with --import, listens on the socket BENCH_PROBE names: what its memory holds, and CPU profiles.
import http from "node:http";
import { Session } from "node:inspector/promises";

const session = new Session();
session.connect();

const commands = {
  async memory() {
    await session.post("HeapProfiler.collectGarbage");
    return process.memoryUsage();
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
