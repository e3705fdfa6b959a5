import { z } from "zod";
import { DIFFICULTIES } from "../domain/difficulty.ts";
import { toOutcomeFeedback } from "../domain/outcomeFeedback.ts";
import { decimalInput } from "./decimal.ts";

export const MAX_TAGS = 50;

const tag = z.string().trim().min(1, "is empty").max(100, "has at most 100 characters");
/** Of a question. */
export const tagList = z.array(tag).max(MAX_TAGS, `has at most ${MAX_TAGS} tags`);
export const difficulty = z.enum(DIFFICULTIES);

const said = z.string().max(20_000, "has at most 20,000 characters").nullish();

/** What makes a new version. */
const content = {
  title: z.string().trim().max(300, "has at most 300 characters").nullish(),
  stem: z.string().trim().min(1, "is empty").max(20_000, "has at most 20,000 characters"),
  stemFormat: z.enum(["PLAIN", "HTML", "MARKDOWN", "MOODLE"]),
  points: decimalInput({ min: 0, max: 10_000 }),
  feedback: said,
  outcomeFeedback: z
    .object({ correct: said, partlyCorrect: said, incorrect: said })
    .nullish()
    .transform((given) => (given === undefined ? undefined : toOutcomeFeedback(given))),
};
/** What belongs to the question, whatever its version. */
const place = { tags: tagList, folderId: z.string().nullish(), difficulty: difficulty.nullish() };

export const newQuestion = z.object({ ...content, ...place, type: z.string(), definition: z.unknown() });
export const changedQuestion = z.object({ ...content, ...place, definition: z.unknown().optional() }).partial();

export const questionFilter = z.object({
  tags: tagList.nullish(),
  anyTag: tagList.nullish(),
  folderId: z.string().nullish(),
  unfiled: z.boolean().nullish(),
  type: z.string().nullish(),
  difficulty: difficulty.nullish(),
  search: z.string().max(300, "has at most 300 characters").nullish(),
  used: z.boolean().nullish(),
  archived: z.boolean().nullish(),
});
export type QuestionFilter = z.output<typeof questionFilter>;

/** Most that are changed at once: as many as a file may bring in. */
export const MAX_SELECTED = 10_000;
const selected = {
  courseId: z.string(),
  ids: z.array(z.string()).min(1, "is empty").max(MAX_SELECTED, `has at most ${MAX_SELECTED} ids`).nullish(),
  filter: questionFilter.nullish(),
  dryRun: z.boolean(),
};
const isOneOfBoth = ({ ids, filter }: { ids?: unknown; filter?: unknown }) => (ids == null) !== (filter == null);
const oneOfBoth = { path: ["ids"], message: "is to be given, or filter, and not both" };

/** Which questions of a bank are meant. */
export const questionSelection = z.object(selected).refine(isOneOfBoth, oneOfBoth);
export type QuestionSelection = z.output<typeof questionSelection>;
export const questionEdit = z
  .object({
    ...selected,
    addTags: tagList,
    removeTags: tagList,
    folderId: z.string().nullish(),
    difficulty: difficulty.nullish(),
    points: decimalInput({ min: 0, max: 10_000 }).nullish(),
  })
  .refine(isOneOfBoth, oneOfBoth);
