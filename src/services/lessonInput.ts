import { z } from "zod";
import { badInput } from "../domain/errors.ts";
import type { LessonKind } from "../generated/prisma/enums.ts";

const title = z.string().trim().min(1, "is empty").max(200, "has at most 200 characters");
const shown = {
  text: z.string().max(100_000, "has at most 100,000 characters").nullish(),
  videoId: z.string().nullish(),
  examId: z.string().nullish(),
};

export const sectionTitle = z.object({ title });
export const newLesson = z.object({ sectionId: z.string(), title, kind: z.enum(["VIDEO", "EXAM", "TEXT"]), ...shown });
export const changedLesson = z.object({ title: title.optional(), published: z.boolean().optional(), ...shown });
export const newOrder = z
  .array(z.object({ sectionId: z.string(), lessonIds: z.array(z.string()) }))
  .min(1, "is empty")
  .max(100, "has at most 100 sections");

type Shown = Partial<Record<"text" | "videoId" | "examId", string | null>>;

const FIELD_OF = { VIDEO: "videoId", EXAM: "examId", TEXT: "text" } as const satisfies Record<LessonKind, keyof Shown>;

/** @throws BAD_USER_INPUT for what a lesson of another kind shows, and for one that would show nothing */
export function requireOfKind(kind: LessonKind, given: Shown, { isNew }: { isNew: boolean }): void {
  const own = FIELD_OF[kind];
  const fields = Object.values(FIELD_OF)
    .filter((field) => field !== own && given[field] != null)
    .map((field) => ({ path: `input.${field}`, message: `is not for a lesson of the kind ${kind}` }));
  if (given[own] === null || (isNew && given[own] === undefined))
    fields.push({ path: `input.${own}`, message: `is missing for a lesson of the kind ${kind}` });
  if (fields.length > 0)
    throw badInput(
      `The lesson is not right: ${fields.map(({ path, message }) => `${path} ${message}`).join("; ")}`,
      fields,
    );
}

/** @throws BAD_USER_INPUT for an id that is in a list more than once */
export function requireOnce(ids: readonly string[], path: string): void {
  if (new Set(ids).size < ids.length)
    throw badInput(`${path} names something twice.`, [{ path, message: "names something twice" }]);
}
