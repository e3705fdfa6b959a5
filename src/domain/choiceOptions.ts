import { z } from "zod";
import { reorderUnpinned } from "./pinned.ts";
import { storedText } from "./storedText.ts";

export const MAX_OPTIONS = 100;

/** The fields every option to choose has; the types add what an option is worth. */
export const optionFields = {
  /** Made from the text where it is left out. */
  id: z
    .string()
    .regex(/^[\w-]{1,64}$/, "An id has 1 to 64 letters, digits, _ or -.")
    .optional(),
  text: storedText(20_000).refine((text) => text.trim() !== "", "An option needs a text."),
  feedback: storedText(20_000).optional(),
  /** Keeps its place when options are shuffled, as "none of the above" must. */
  pinned: z.boolean().optional(),
};

type ShownText = { text: string; feedback?: string | undefined };

/** For `mapTexts`: what has a text and perhaps feedback. Fields that are left out stay so. */
export const mapShown = <O extends ShownText>(options: readonly O[], change: (text: string) => string): O[] =>
  options.map((option) => mapFeedback({ ...option, text: change(option.text) }, change));

/** For `mapTexts`: what has feedback and no text of its own. */
export const mapFeedback = <O extends { feedback?: string | undefined }>(
  answer: O,
  change: (text: string) => string,
): O => (answer.feedback === undefined ? answer : { ...answer, feedback: change(answer.feedback) });

type Option = { id?: string | undefined; text: string };

/**
 * In an order that tells nothing of the one they were written in, the same each time. Where that order is the key, or stands
 * beside it, a paper without a shuffle would otherwise give it away. Pinned options keep their places.
 */
export const scrambled = <O extends { id: string; text: string; pinned?: boolean | undefined }>(
  options: readonly O[],
): O[] =>
  reorderUnpinned(options, (free) =>
    free
      .map((option) => ({ option, rank: idOfText(`${option.text}\n${option.id}`) }))
      .sort((a, b) => (a.rank < b.rank ? -1 : a.rank > b.rank ? 1 : 0))
      .map(({ option }) => option),
  );

/** A list of options in which every option ends up with an id of its own. */
export const optionList = <Fields extends z.ZodType<Option>>(option: Fields) =>
  z
    .array(option)
    .min(2, "A choice needs at least two options.")
    .max(MAX_OPTIONS, `A question may have at most ${MAX_OPTIONS} options.`)
    .superRefine((options, context) => {
      const ids = options.flatMap(({ id }) => id ?? []);
      if (new Set(ids).size < ids.length)
        context.addIssue({ code: "custom", message: "Two options have the same id." });
    })
    .transform((options) => withIds(options));

/**
 * An id made from the text says nothing about the option's place in the list: teachers often write the right one
 * first, and a shuffle would be for nothing if the ids were numbered.
 */
function withIds<O extends Option>(options: O[]): (O & { id: string })[] {
  const taken = new Set(options.flatMap(({ id }) => id ?? []));
  return options.map((option) => {
    let id = option.id;
    for (let salt = 0; id === undefined; salt++) {
      const candidate = idOfText(salt === 0 ? option.text : `${option.text}\n${salt}`);
      if (!taken.has(candidate)) id = candidate;
    }
    taken.add(id);
    return { ...option, id };
  });
}

/** 32-bit FNV-1a over UTF-16 code units, as seven letters and digits. */
export function idOfText(text: string): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return (hash >>> 0).toString(36).padStart(7, "0");
}

export const shown = (options: readonly { id: string; text: string }[]) =>
  options.map(({ id, text }) => ({ id, text }));
export const shuffled = (options: readonly { id: string; pinned?: boolean | undefined }[]) =>
  options.map(({ id, pinned }) => ({ id, pinned: pinned === true }));

export const NOT_AN_OPTION = "This is not one of the options.";
export const isOption = (options: readonly { id: string }[], id: string) => options.some((option) => option.id === id);
