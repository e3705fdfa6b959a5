import { accessSync, constants } from "node:fs";
import path from "node:path";
import { unavailable } from "../domain/errors.ts";
import type { Rung } from "../domain/video/ladder.ts";
import { notAVideo, type SourceFacts, sourceFacts, tooLarge, UNREADABLE } from "../domain/video/sourceFacts.ts";
import type { SpriteSheets } from "../domain/video/spriteSheet.ts";
import { noTracing, type Tracing } from "../tracing/tracing.ts";
import type { Logger } from "../utils/logger.ts";
import {
  measureArguments,
  type Preset,
  posterArguments,
  probeArguments,
  renditionArguments,
  spriteArguments,
} from "./arguments.ts";
import { coresFor } from "./cores.ts";
import { createLimitedProcess, type ProcessLimits, ProgramFailed } from "./limitedProcess.ts";

export const FFMPEG_MISSING =
  "Videos cannot be processed: ffmpeg and ffprobe are not on the worker's PATH. Install them (Debian: apt-get install ffmpeg) and try the video again.";

export type Ffmpeg = ReturnType<typeof createFfmpeg>;

/** How far ffmpeg has come, in seconds of the video. */
type OnSeconds = (seconds: number) => void;

/** ffprobe and ffmpeg as this system uses them: on one uploaded file at a time, within limits. */
export function createFfmpeg({
  searchPath,
  threads,
  preset = "veryfast",
  tracing = noTracing,
  log,
}: {
  /** Folders the programs are looked for in, as in PATH. */
  searchPath: string;
  /** Cores to use; 0 for all. */
  threads: number;
  preset?: Preset;
  tracing?: Tracing;
  log: Pick<Logger, "debug">;
}) {
  const limited = createLimitedProcess({ searchPath, cores: coresFor(threads), log });

  const isInstalled = (): boolean => ["ffmpeg", "ffprobe"].every((program) => isOnPath(program, searchPath));

  /** @throws SERVICE_UNAVAILABLE when ffmpeg is missing */
  function requireInstalled(): void {
    if (!isInstalled()) throw unavailable(FFMPEG_MISSING, 60);
  }

  /** Twenty times as long as the video and ten minutes on top is more than any machine should need. */
  const limitsFor = (seconds: number): ProcessLimits => {
    const wallSeconds = 600 + seconds * 20;
    return {
      wallSeconds,
      cpuSeconds: wallSeconds * (threads || 64),
      memoryMb: 4_096 + 256 * (threads || 16),
      fileMb: 512,
    };
  };
  const quickly: ProcessLimits = { wallSeconds: 120, cpuSeconds: 60, memoryMb: 2_048, fileMb: 1 };

  const run = (program: string, args: string[], limits: ProcessLimits, signal: AbortSignal, onLine?: LineReader) =>
    tracing.span(program, {}, () => limited.run({ program, args, limits, signal, onLine }));

  /** @throws UNPROCESSABLE (NOT_A_VIDEO) */
  async function probe(file: string, signal: AbortSignal): Promise<SourceFacts> {
    requireInstalled();
    const lines: string[] = [];
    try {
      await run("ffprobe", probeArguments(file), quickly, signal, (line) => lines.push(line));
    } catch (error) {
      if (!(error instanceof ProgramFailed)) throw error;
      const [, width, height] = /Picture size (\d+)x(\d+) exceeds/.exec(error.message) ?? [];
      throw Object.assign(width ? tooLarge(Number(width), Number(height)) : notAVideo(UNREADABLE), { cause: error });
    }
    const facts = sourceFacts(JSON.parse(lines.join("\n")));
    return { ...facts, durationSeconds: facts.durationSeconds ?? (await measure(file, signal)) };
  }

  /** What browsers record does not say how long it is. @throws UNPROCESSABLE (NOT_A_VIDEO) */
  async function measure(file: string, signal: AbortSignal): Promise<number> {
    let seconds = 0;
    await run(
      "ffmpeg",
      measureArguments(file),
      { ...quickly, wallSeconds: 600, cpuSeconds: 600 },
      signal,
      progressOf((at) => {
        seconds = at;
      }),
    );
    if (seconds === 0) throw notAVideo(UNREADABLE);
    return seconds;
  }

  return {
    isInstalled,
    /** Limits that this system does not know, by the missing tool. */
    missingTools: limited.missingTools,

    probe,

    /**
     * Writes one size of the ladder into the folder: `index.m3u8`, `init.mp4`, `seg_0001.m4s` and so on.
     * @throws ProgramFailed; the signal's reason when aborted
     */
    async transcode(
      file: string,
      { facts, rung, folder, maxSeconds }: { facts: SourceFacts; rung: Rung; folder: string; maxSeconds: number },
      signal: AbortSignal,
      onSeconds: OnSeconds,
    ): Promise<void> {
      requireInstalled();
      const args = renditionArguments(file, { facts, rung, folder, threads, preset, maxSeconds });
      await run("ffmpeg", args, limitsFor(facts.durationSeconds), signal, progressOf(onSeconds));
    },

    /** Writes `poster.jpg` and the sprite sheets into the folder. @throws ProgramFailed; the signal's reason when aborted */
    async previews(
      file: string,
      { facts, sheets, folder }: { facts: SourceFacts; sheets: SpriteSheets; folder: string },
      signal: AbortSignal,
    ): Promise<void> {
      requireInstalled();
      const limits = limitsFor(facts.durationSeconds);
      await run("ffmpeg", posterArguments(file, facts, path.join(folder, "poster.jpg"), threads), limits, signal);
      const output = path.join(folder, "sprite_%d.jpg");
      await run("ffmpeg", spriteArguments(file, facts, sheets, output, threads), limits, signal);
    },
  };
}

type LineReader = (line: string) => void;

/** `out_time_us` is in microseconds, and `N/A` until the first frame is out. */
function progressOf(onSeconds: OnSeconds): LineReader {
  return (line) => {
    const [, microseconds] = /^out_time_us=(\d+)$/.exec(line) ?? [];
    if (microseconds) onSeconds(Number(microseconds) / 1e6);
  };
}

function isOnPath(program: string, searchPath: string): boolean {
  return searchPath.split(path.delimiter).some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false; // not in this folder
    }
  });
}
