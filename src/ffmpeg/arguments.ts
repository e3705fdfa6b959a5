import path from "node:path";
import { AUDIO_BITS, type Rung, SEGMENT_SECONDS } from "../domain/video/ladder.ts";
import { MAX_PIXELS, type SourceFacts } from "../domain/video/sourceFacts.ts";
import type { SpriteSheets } from "../domain/video/spriteSheet.ts";

/** Speed against size of the encoder, e.g. `veryfast`. */
export type Preset = "ultrafast" | "superfast" | "veryfast" | "faster" | "fast" | "medium";

/** Demuxers whose files hold all that they show: none that opens what another file or address names. */
const FORMATS = "mov,matroska,avi,mpegts,mpeg,flv,asf";

/** Before every file of a stranger: what it may be, and that it opens nothing but itself. */
const guarded = (file: string): string[] => [
  ...["-protocol_whitelist", "file,pipe", "-format_whitelist", FORMATS, "-max_pixels", String(MAX_PIXELS)],
  ...["-i", `file:${file}`],
];

const quiet = ["-hide_banner", "-loglevel", "error"];
const ffmpegBasics = (threads: number) => ["-nostdin", "-y", ...quiet, "-threads", String(threads)];
const filterThreads = (threads: number) => ["-filter_threads", String(threads)];
const progress = ["-progress", "pipe:1", "-stats_period", "0.5"];

export const probeArguments = (file: string): string[] => [
  ...quiet,
  ...["-print_format", "json", "-show_format", "-show_streams"],
  ...guarded(file),
];

/** Reads the file to its end without decoding it, to learn how long it is. */
export const measureArguments = (file: string): string[] => [
  ...ffmpegBasics(1),
  ...guarded(file),
  ...["-map", "0:V:0", "-c", "copy", ...progress, "-f", "null", "-"],
];

interface RenditionWish {
  facts: SourceFacts;
  rung: Rung;
  folder: string;
  threads: number;
  preset: Preset;
  maxSeconds: number;
}

/** One size of the ladder as HLS in CMAF. Key frames depend on the time alone, so they are at the same places in every size. */
export const renditionArguments = (file: string, wish: RenditionWish): string[] => [
  ...ffmpegBasics(wish.threads),
  ...filterThreads(wish.threads),
  ...progress,
  ...guarded(file),
  ...renditionOutput(wish),
];

/** What follows the input. */
export function renditionOutput({ facts, rung, folder, threads, preset, maxSeconds }: RenditionWish): string[] {
  const filters = [
    ...(facts.isInterlaced ? ["yadif"] : []),
    `fps=fps=${facts.frameRate}:start_time=0`,
    // Segments end with pictures, so sound that goes on without any would be cut off.
    ...(facts.stillSeconds > 0.1 ? [`tpad=stop_mode=clone:stop_duration=${facts.stillSeconds}`] : []),
    `scale=${rung.width}:${rung.height}:flags=bicubic`,
    "setsar=1",
    "format=yuv420p",
  ];
  const picture = [
    ...["-map", "0:V:0", "-vf", filters.join(",")],
    ...["-c:v", "libx264", "-preset", preset, "-profile:v", "high", "-threads", String(threads)],
    // As good as it needs to be and never above the rate: a screen with slides on it takes a tenth of a film.
    ...["-crf", "23", "-maxrate", String(rung.videoBits), "-bufsize", String(rung.videoBits * 2)],
    ...["-g", "100000", "-sc_threshold", "0", "-force_key_frames", `expr:gte(t,n_forced*${SEGMENT_SECONDS})`],
  ];
  const sound = [
    ...["-map", "0:a:0", "-af", "aresample=async=1:first_pts=0"],
    ...["-c:a", "aac", "-ac", "2", "-ar", "48000", "-b:a", String(AUDIO_BITS)],
  ];
  return [
    ...picture,
    ...(facts.hasAudio ? sound : []),
    ...["-sn", "-dn", "-map_metadata", "-1", "-map_chapters", "-1", "-t", String(maxSeconds)],
    ...["-f", "hls", "-hls_time", String(SEGMENT_SECONDS), "-hls_playlist_type", "vod"],
    ...["-hls_flags", "independent_segments", "-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", "init.mp4"],
    ...["-start_number", "1", "-hls_segment_filename", path.join(folder, "seg_%04d.m4s")],
    path.join(folder, "index.m3u8"),
  ];
}

const POSTER_WIDTH = 1280;
/** So long a video is shown by its key frames alone: to decode all of it would take minutes. */
const KEY_FRAMES_FROM_SECONDS = 600;

/** The picture that stands for the video: the most telling one of a second near its beginning. */
export const posterArguments = (file: string, facts: SourceFacts, output: string, threads: number): string[] => [
  ...ffmpegBasics(threads),
  ...filterThreads(threads),
  ...["-ss", String(Math.min(5, facts.durationSeconds / 4))],
  ...guarded(file),
  ...["-map", "0:V:0", "-frames:v", "1"],
  ...["-vf", `thumbnail=30,scale=${Math.min(POSTER_WIDTH, facts.width)}:-2,setsar=1`],
  ...["-q:v", "4", output],
];

/** Small pictures at steady intervals, put together on sheets. */
export function spriteArguments(
  file: string,
  facts: SourceFacts,
  sheets: SpriteSheets,
  output: string,
  threads: number,
): string[] {
  const filters = [
    // The last picture stays, so that the last interval has one although the video ends within it.
    `tpad=stop_mode=clone:stop_duration=${sheets.intervalSeconds}`,
    `fps=fps=1/${sheets.intervalSeconds}:start_time=0:round=up`,
    `scale=${sheets.tileWidth}:${sheets.tileHeight}`,
    "setsar=1",
    `trim=end_frame=${sheets.tiles}`,
    `tile=${sheets.columns}x${sheets.rows}`,
  ];
  return [
    ...ffmpegBasics(threads),
    ...filterThreads(threads),
    ...(facts.durationSeconds > KEY_FRAMES_FROM_SECONDS ? ["-skip_frame", "nokey"] : []),
    ...guarded(file),
    ...["-map", "0:V:0", "-vf", filters.join(","), "-frames:v", String(sheets.sheets)],
    ...["-q:v", "5", "-start_number", "0", ...progress, output],
  ];
}
