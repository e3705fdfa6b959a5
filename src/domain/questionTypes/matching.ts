import { z } from "zod";
import {
  MAX_OPTIONS,
  mapShown,
  NOT_AN_OPTION,
  optionFields,
  optionList,
  scrambled,
  shown,
  shuffled,
} from "../choiceOptions.ts";
import { Exact, share } from "../decimal.ts";
import { penaltyFields, withPenalty } from "../penalty.ts";
import { defineQuestionType } from "../questionType.ts";
import { storedText } from "../storedText.ts";

const definition = z
  .strictObject({
    /** What may be chosen, also what fits nothing. */
    options: optionList(z.strictObject(optionFields)),
    prompts: z
      .array(
        z.strictObject({
          id: z.string().regex(/^[\w-]{1,64}$/, "An id has 1 to 64 letters, digits, _ or -."),
          text: storedText(20_000).refine((text) => text.trim() !== "", "A prompt needs a text."),
          /** The id of the option that belongs to it. */
          match: z.string(),
          /** Shown to who found the match, and to who did not. */
          feedback: storedText(20_000).optional(),
        }),
      )
      .min(1, "There is nothing to match.")
      .max(MAX_OPTIONS),
    /** `proportional` gives each prompt the same share; `allOrNothing` wants all of them. */
    scoring: z.enum(["proportional", "allOrNothing"]).default("proportional"),
    /** `penalty` is of the prompt's share for each prompt matched wrongly, or of the whole with `allOrNothing`. */
    ...penaltyFields,
  })
  .superRefine(({ options, prompts }, context) => {
    if (new Set(prompts.map(({ id }) => id)).size < prompts.length)
      context.addIssue({ code: "custom", path: ["prompts"], message: "Two prompts have the same id." });
    prompts.forEach(({ match }, at) => {
      if (!options.some(({ id }) => id === match))
        context.addIssue({ code: "custom", path: ["prompts", at, "match"], message: "There is no such option." });
    });
  });

/** To each prompt belongs one of the options; an option may belong to several prompts or to none. */
export const matching = defineQuestionType({
  name: "MATCHING",
  description: "To each prompt belongs one of the options; an option may belong to several prompts or to none.",
  responseKind: "pairs",
  definition,

  response: z.strictObject({
    pairs: z
      .array(z.strictObject({ prompt: z.string(), option: z.string() }))
      .max(MAX_OPTIONS, "There are not so many prompts."),
  }),

  problemWith({ prompts, options }, { pairs }) {
    if (new Set(pairs.map(({ prompt }) => prompt)).size < pairs.length) return "A prompt is matched twice.";
    if (!pairs.every((pair) => prompts.some(({ id }) => id === pair.prompt))) return "This is not one of the prompts.";
    return pairs.every((pair) => options.some(({ id }) => id === pair.option)) ? null : NOT_AN_OPTION;
  },

  isBlank: ({ pairs }) => pairs.length === 0,

  mapTexts: (definition, change) => ({
    ...definition,
    options: mapShown(definition.options, change),
    prompts: mapShown(definition.prompts, change),
  }),

  studentView: ({ prompts, options }) => ({
    responseKind: "pairs",
    options: shown(scrambled(options)),
    prompts: shown(prompts),
    maxLength: null,
  }),

  shuffleOptions: ({ options }) => shuffled(scrambled(options)),

  solution: ({ prompts }) => ({ pairs: prompts.map(({ id, match }) => ({ prompt: id, option: match })) }),

  grade({ options, prompts, scoring, penalty = "0", floor }, { pairs }) {
    const given = new Map(pairs.map(({ prompt, option }) => [prompt, option]));
    const right = prompts.filter(({ id, match }) => given.get(id) === match).length;
    const fraction =
      scoring === "proportional"
        ? Exact.max(
            floor ?? 0,
            share(new Exact(right).minus(new Exact(penalty).times(given.size - right)), prompts.length),
          )
        : withPenalty(new Exact(right === prompts.length ? 1 : 0), { penalty, floor });
    const chosen = new Set(given.values());
    const said = [...prompts.filter(({ id }) => given.has(id)), ...options.filter(({ id }) => chosen.has(id))];
    return { kind: "graded", fraction, feedback: said.flatMap(({ feedback }) => feedback ?? []).join("\n") || null };
  },
});
