import { z } from "zod";
import { acceptedKind } from "../fileKinds.ts";
import { defineQuestionType } from "../questionType.ts";
import { mapRubric, rubric } from "../rubric.ts";
import { storedText } from "../storedText.ts";

export const MAX_FILES = 10;
const MB = 1024 ** 2;
/** No question takes larger files than this, in bytes. */
export const MAX_ANSWER_FILE_BYTES = 100 * MB;

const accepted = z.string().transform((given, context) => {
  const kind = acceptedKind(given);
  if (kind !== null) return kind;
  context.addIssue({ code: "custom", message: "Name the ending of the files, as in .pdf, or a type such as image/*." });
  return z.NEVER;
});

/** Files are handed in and graded by a human. */
export const fileUpload = defineQuestionType({
  name: "FILE_UPLOAD",
  description: "Files are handed in and graded by a human.",
  responseKind: "files",
  isMarkedByHand: true,
  definition: z.strictObject({
    maxFiles: z.int().min(1).max(MAX_FILES).default(1),
    /** Of each file. */
    maxBytes: z
      .int()
      .min(1)
      .max(MAX_ANSWER_FILE_BYTES)
      .default(20 * MB),
    /** Endings and types, as in the `accept` of an HTML form. */
    accept: z
      .array(accepted)
      .min(1, "Say which files are accepted.")
      .max(50)
      .transform((kinds) => [...new Set(kinds)])
      .default([".pdf", ".docx", ".odt", ".txt", ".png", ".jpg", ".jpeg"]),
    /** For who grades; students never see it. */
    guidance: storedText(20_000).optional(),
    rubric: rubric.optional(),
  }),

  response: z.strictObject({
    files: z.array(z.guid("This is not the id of a file.").toLowerCase()).max(MAX_FILES, "There are too many files."),
  }),

  problemWith({ maxFiles }, { files }) {
    if (new Set(files).size < files.length) return "A file is named twice.";
    return files.length <= maxFiles ? null : `There are too many files: ${maxFiles} may be handed in.`;
  },

  isBlank: ({ files }) => files.length === 0,

  mapTexts: ({ guidance, rubric: criteria, ...rest }, change) => ({
    ...rest,
    ...(criteria !== undefined && { rubric: mapRubric(criteria, change) }),
    ...(guidance !== undefined && { guidance: change(guidance) }),
  }),

  studentView: ({ maxFiles, maxBytes, accept }) => ({
    responseKind: "files",
    options: [],
    files: { maxFiles, maxBytes, accept },
    maxLength: null,
  }),

  shuffleOptions: () => [],

  solution: () => null,

  grade: () => ({ kind: "needsHuman" }),
});
