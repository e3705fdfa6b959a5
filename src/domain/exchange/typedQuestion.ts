import type { z } from "zod";
import type { essay } from "../questionTypes/essay.ts";
import type { fileUpload } from "../questionTypes/fileUpload.ts";
import type { gapFill } from "../questionTypes/gapFill.ts";
import type { information } from "../questionTypes/information.ts";
import type { matching } from "../questionTypes/matching.ts";
import type { multipleChoice } from "../questionTypes/multipleChoice.ts";
import type { numeric } from "../questionTypes/numeric.ts";
import type { ordering } from "../questionTypes/ordering.ts";
import type { shortText } from "../questionTypes/shortText.ts";
import type { singleChoice } from "../questionTypes/singleChoice.ts";
import type { trueFalse } from "../questionTypes/trueFalse.ts";
import type { QuestionTypeName } from "../questionTypes.ts";
import type { ImportedQuestion } from "./questionFormat.ts";

export interface Definitions {
  SINGLE_CHOICE: z.output<typeof singleChoice.definition>;
  MULTIPLE_CHOICE: z.output<typeof multipleChoice.definition>;
  TRUE_FALSE: z.output<typeof trueFalse.definition>;
  SHORT_TEXT: z.output<typeof shortText.definition>;
  NUMERIC: z.output<typeof numeric.definition>;
  MATCHING: z.output<typeof matching.definition>;
  ORDERING: z.output<typeof ordering.definition>;
  GAP_FILL: z.output<typeof gapFill.definition>;
  ESSAY: z.output<typeof essay.definition>;
  FILE_UPLOAD: z.output<typeof fileUpload.definition>;
  INFORMATION: z.output<typeof information.definition>;
}

/** A question whose type tells the shape of its definition. */
export type TypedQuestion = {
  [Name in QuestionTypeName]: Omit<ImportedQuestion, "type" | "definition"> & {
    type: Name;
    definition: Definitions[Name];
  };
}[QuestionTypeName];

/** A question's definition came out of its type's schema, so its shape is known. */
export const typed = (question: ImportedQuestion) => question as TypedQuestion;
