import { z } from "zod";

/** A part of a video, in seconds from its beginning. */
export interface SecondsRange {
  from: number;
  to: number;
}

const title = z.string().trim().min(1, "is empty").max(200, "has at most 200 characters");
const description = z.string().max(20_000, "has at most 20,000 characters");
const requiredPercent = z.number().int().min(1, "is below 1").max(100, "is above 100");

/** To the millisecond, as what was watched is; kept as pairs, in order. */
const toMilliseconds = (seconds: number): number => Math.round(seconds * 1_000) / 1_000;
const second = z.number().min(0, "is below 0").max(1_000_000, "is above 1,000,000").transform(toMilliseconds);
const mustSee = z
  .array(z.object({ from: second, to: second }).refine(({ from, to }) => from < to, "does not end after its beginning"))
  .max(100, "has at most 100 parts")
  .transform((parts) => parts.map(({ from, to }): [number, number] => [from, to]).sort(([a], [b]) => a - b));

export const newVideo = z.object({
  courseId: z.string(),
  title,
  description: description.nullish().transform((given) => given ?? ""),
  requiredPercent: requiredPercent.nullish().transform((given) => given ?? 90),
  mustSee: mustSee.nullish().transform((given) => given ?? []),
});
export const changedVideo = z.object({ title, description, requiredPercent, mustSee }).partial();
