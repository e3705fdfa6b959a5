import { z } from "zod";
import { unprocessable } from "../errors.ts";

/** What is known of an uploaded file before it is processed. */
export interface SourceFacts {
  durationSeconds: number;
  /** As it is shown: turned as the file says, and with square pixels. */
  width: number;
  height: number;
  hasAudio: boolean;
  /** Frames per second as ffmpeg takes it, e.g. `30000/1001`: each size gets this one, steady rate. */
  frameRate: string;
  isInterlaced: boolean;
  /** So much of its end is sound alone: the last picture stays for as long. */
  stillSeconds: number;
}

/** Larger than 4096 × 2160 is not decoded: a small file could take all the memory there is. */
export const MAX_PIXELS = 9_000_000;
const SMALLEST_SIDE = 16;

const text = z.string().optional();
const stream = z.object({
  codec_type: text,
  codec_name: text,
  width: z.number().optional(),
  height: z.number().optional(),
  sample_aspect_ratio: text,
  avg_frame_rate: text,
  field_order: text,
  duration: text,
  disposition: z.object({ attached_pic: z.number().optional() }).optional(),
  side_data_list: z.array(z.object({ rotation: z.number().optional() })).optional(),
});
const report = z.object({
  streams: z.array(stream).default([]),
  format: z.object({ duration: text }).default({}),
});

export const notAVideo = (message: string) => unprocessable("NOT_A_VIDEO", message);
export const tooLarge = (width: number, height: number) =>
  notAVideo(`The picture is ${width} × ${height}; the largest that is processed is 4096 × 2160.`);
export const UNREADABLE =
  "The file is not a video that can be read. Upload an MP4, MOV, MKV, WebM, AVI or MPEG file that plays on a computer.";

/**
 * What ffprobe's JSON says about a file; the length is null where the file itself does not tell it.
 * @throws UNPROCESSABLE (NOT_A_VIDEO) with a sentence for whoever uploaded it
 */
export function sourceFacts(json: unknown): Omit<SourceFacts, "durationSeconds"> & { durationSeconds: number | null } {
  const parsed = report.safeParse(json);
  if (!parsed.success) throw notAVideo(UNREADABLE);
  const { streams, format } = parsed.data;
  const picture = streams.find((each) => each.codec_type === "video" && !each.disposition?.attached_pic);
  if (!picture) throw notAVideo("There is no moving picture in the file.");
  const { width: storedWidth = 0, height = 0 } = picture;
  if (storedWidth * height === 0) throw notAVideo(UNREADABLE);
  const shownWidth = storedWidth * ratioOf(picture.sample_aspect_ratio);
  if (Math.max(storedWidth, shownWidth) * height > MAX_PIXELS) throw tooLarge(storedWidth, height);
  const width = Math.round(shownWidth);
  if (Math.min(width, height) < SMALLEST_SIDE) throw notAVideo(`The picture is only ${width} × ${height}.`);
  const turned = picture.side_data_list?.some(({ rotation = 0 }) => Math.abs(rotation) % 180 === 90) ?? false;
  const pictureSeconds = secondsOf(picture.duration);
  const durationSeconds = secondsOf(format.duration) ?? pictureSeconds;
  return {
    durationSeconds,
    width: turned ? height : width,
    height: turned ? width : height,
    hasAudio: streams.some(({ codec_type, codec_name }) => codec_type === "audio" && codec_name !== undefined),
    frameRate: steadyRate(picture.avg_frame_rate),
    isInterlaced: /^(tt|bb|tb|bt)$/.test(picture.field_order ?? ""),
    stillSeconds: durationSeconds && pictureSeconds ? Math.max(0, durationSeconds - pictureSeconds) : 0,
  };
}

/** @throws UNPROCESSABLE (NOT_A_VIDEO) when the video is longer than may be processed */
export function requireLength(seconds: number, maxMinutes: number): void {
  if (seconds > maxMinutes * 60)
    throw notAVideo(`The video is ${Math.ceil(seconds / 60)} minutes long; at most ${maxMinutes} are processed.`);
}

/** Of `4:3` or `30000/1001`; NaN where there is none. */
function fraction(given: string | undefined): number {
  const [over, under] = (given ?? "").split(/[:/]/).map(Number);
  return over! / under!;
}

function ratioOf(given: string | undefined): number {
  const ratio = fraction(given);
  return ratio > 0.1 && ratio < 10 ? ratio : 1; // `0:1` stands for unknown
}

function secondsOf(given: string | undefined): number | null {
  const seconds = Number(given);
  return seconds > 0 ? seconds : null;
}

const RATES = ["10", "12", "15", "20", "24000/1001", "24", "25", "30000/1001", "30", "50", "60000/1001", "60"];
const rateValue = (rate: string) => (rate.includes("/") ? fraction(rate) : Number(rate));

/** The usual rate that loses no frames of an unsteady one; recorders that write none, or nonsense, get 30. */
function steadyRate(average: string | undefined): string {
  const rate = fraction(average);
  if (!(rate > 0 && rate <= 240)) return "30";
  return RATES.find((usual) => rateValue(usual) >= rate * 0.9999) ?? "60";
}
