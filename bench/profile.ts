import { writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "undici";

const PROBE = fileURLToPath(new URL("./bare/probe.mjs", import.meta.url));
const TOP = 40;

export interface Memory {
  rss: number;
  heapUsed: number;
  external: number;
  arrayBuffers: number;
}

/** Milliseconds by which an event loop was late. */
export interface LoopDelay {
  p50: number;
  p99: number;
  max: number;
}

interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

/** A way into a measured program: what its memory holds, and where its time goes. */
export interface Probe {
  nodeArgs: string[];
  env: Record<string, string>;
  /** Begins to measure how late its event loop is. */
  watchLoop(): Promise<void>;
  /** How late it was since then, in milliseconds. */
  loopDelay(): Promise<LoopDelay>;
  /** After a garbage collection, in bytes. */
  memory(): Promise<Memory>;
  /** The most memory the system has counted for it so far. */
  peak(): Promise<{ bytes: number }>;
  /** Takes a CPU profile while the work goes on; writes it and a list of its most expensive functions to `<file>.cpuprofile` and `.txt`. */
  profile<T>(file: string, work: () => Promise<T>): Promise<T>;
}

/** @param socket a path for the socket over which the program is asked; short, for systems allow about 100 characters */
export function createProbe(socket: string): Probe {
  async function command<T>(name: "memory" | "peak" | "watchLoop" | "loopDelay" | "begin" | "end"): Promise<T> {
    const client = new Client("http://probe", { socketPath: socket });
    try {
      const { body } = await client.request({ path: `/${name}`, method: "GET" });
      return (await body.json()) as T;
    } finally {
      await client.close();
    }
  }
  return {
    nodeArgs: ["--import", PROBE],
    env: { BENCH_PROBE: socket },
    memory: () => command("memory"),
    peak: () => command("peak"),
    watchLoop: () => command("watchLoop"),
    loopDelay: () => command("loopDelay"),
    async profile(file, work) {
      await command("begin");
      const result = await work();
      const profile = await command<CpuProfile>("end");
      writeFileSync(`${file}.cpuprofile`, JSON.stringify(profile));
      writeFileSync(`${file}.txt`, summary(profile));
      return result;
    },
  };
}

/** The functions that used most time themselves, and the packages these belong to, as shares of the time the program was not idle. */
function summary({ nodes, samples, timeDeltas }: CpuProfile): string {
  const byId = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const functions = new Map<string, number>();
  const places = new Map<string, number>();
  let busy = 0;
  for (const [index, id] of samples.entries()) {
    const { functionName, url, lineNumber } = byId.get(id)!;
    if (functionName === "(idle)" || functionName === "dispatch") continue; // the latter is the profiler itself
    const micros = timeDeltas[index]!;
    const place = shortened(url);
    const name = `${functionName || "(anonymous)"} ${place && `${place}:${lineNumber + 1}`}`;
    busy += micros;
    functions.set(name, (functions.get(name) ?? 0) + micros);
    const owner = ownerOf(place, functionName);
    places.set(owner, (places.get(owner) ?? 0) + micros);
  }
  const list = (values: Map<string, number>, most: number) =>
    [...values]
      .sort(([, a], [, b]) => b - a)
      .slice(0, most)
      .map(([name, micros]) => `${((100 * micros) / busy).toFixed(1).padStart(5)} %  ${name}`)
      .join("\n");
  return `busy ${Math.round(busy / 1000)} ms\n\nby owner\n${list(places, 25)}\n\nby function, self time\n${list(functions, TOP)}\n`;
}

const shortened = (url: string): string =>
  url.includes("/node_modules/")
    ? url.replace(/^.*\/node_modules\//, "")
    : url.replace(/^file:\/\//, "").replace(/^.*\/dist\//, "lectern/");

function ownerOf(place: string, functionName: string): string {
  if (!place) return functionName.startsWith("(") ? functionName : "(native)";
  if (place.startsWith("node:")) return place.split("/")[0]!.split(":").slice(0, 2).join(":");
  if (place.startsWith("lectern/")) return place;
  return place
    .split("/")
    .slice(0, place.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Runs the work, profiled where the program has a probe and somebody asked for profiles. */
export function withProfile<T>(
  { probe, profileFolder }: { probe?: Probe; profileFolder?: string },
  name: string,
  work: () => Promise<T>,
): Promise<T> {
  if (!probe || !profileFolder) return work();
  return probe.profile(path.join(profileFolder, name.replaceAll(" ", "-")), work);
}
