import { z } from "zod";
import { badInput } from "../domain/errors.ts";
import { clipped, type Interval, united } from "../domain/video/intervals.ts";
import { parseInput } from "./input.ts";

const MOST_INTERVALS = 100;
/** Players round, and their idea of the length differs a little from what was measured. */
const BEYOND_END_MS = 1_000;

const second = z.number().min(0, "is below 0");
const whatWasWatched = z.object({
  intervals: z
    .array(
      z.object({ from: second, to: second }).refine(({ from, to }) => from < to, "does not end after its beginning"),
    )
    .max(MOST_INTERVALS, `has at most ${MOST_INTERVALS} intervals`),
  position: second,
});

/** What a client says was watched, united, within the video, in milliseconds. @throws BAD_USER_INPUT */
export function parseWatched(input: unknown, durationMs: number): { intervals: Interval[]; positionMs: number } {
  const { intervals, position } = parseInput(whatWasWatched, input, { path: "" });
  const late = intervals.findIndex(({ to }) => to * 1_000 > durationMs + BEYOND_END_MS);
  if (late >= 0) throw afterTheEnd(`intervals.${late}.to`, durationMs);
  if (position * 1_000 > durationMs + BEYOND_END_MS) throw afterTheEnd("position", durationMs);
  const inMs = intervals.map(({ from, to }): Interval => [Math.round(from * 1_000), Math.round(to * 1_000)]);
  return {
    intervals: clipped(united(inMs), durationMs),
    positionMs: Math.min(Math.round(position * 1_000), durationMs),
  };
}

function afterTheEnd(path: string, durationMs: number) {
  const message = `is after the video's end, ${durationMs / 1_000}`;
  return badInput(`${path} ${message}.`, [{ path, message }]);
}
