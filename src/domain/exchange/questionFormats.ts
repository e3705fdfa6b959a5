import { aiken } from "./aiken.ts";
import { csv } from "./csv/csv.ts";
import { gift } from "./gift.ts";
import { moodleXml } from "./moodle/moodleXml.ts";
import { qti21, qti22, qti30 } from "./qti/qti.ts";
import type { QuestionFormat } from "./questionFormat.ts";

const all = [gift, aiken, moodleXml, csv, qti21, qti22, qti30] as const;

export type QuestionFormatName = (typeof all)[number]["name"];

/** All formats of files that questions come from and go to, by name. */
export const questionFormats: Readonly<Record<QuestionFormatName, QuestionFormat>> = Object.fromEntries(
  all.map((format) => [format.name, format]),
) as Record<QuestionFormatName, QuestionFormat>;
