import { giftReader } from "../gift/importGift.ts";
import { writeGift } from "../gift/writeGift.ts";
import { fileText, paragraphsOf } from "./fileText.ts";
import { QUESTION_TOO_LONG } from "./limits.ts";
import type { QuestionFormat } from "./questionFormat.ts";
import { excerptOf } from "./takeQuestion.ts";
import { writeEach } from "./writeEach.ts";

/** Moodle's text format, https://docs.moodle.org/en/GIFT_format. */
export const gift = {
  name: "GIFT",
  description: "Moodle's GIFT text format.",
  fileEnding: "gift",
  contentType: "text/plain; charset=utf-8",

  async *read(source) {
    const read = giftReader();
    for await (const { line, text, isTooLong } of paragraphsOf(fileText(source))) {
      if (isTooLong) yield { kind: "refused", line, title: null, excerpt: excerptOf(text), reason: QUESTION_TOO_LONG };
      else yield* read(text, line);
    }
  },

  write: (questions, report) => writeEach(questions, report, writeGift),
} as const satisfies QuestionFormat;
