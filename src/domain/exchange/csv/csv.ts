import { unreadable } from "../fileProblem.ts";
import { fileText } from "../fileText.ts";
import type { QuestionFormat } from "../questionFormat.ts";
import { excerptOf, takeQuestion } from "../takeQuestion.ts";
import { writeEach } from "../writeEach.ts";
import { HEAD, readHead } from "./columns.ts";
import { csvLine, csvRecords } from "./csvRecords.ts";
import { readRow } from "./readRow.ts";
import { writeRow } from "./writeRow.ts";

/** Our own columns, for spreadsheets: a head line, and a row for each question. */
export const csv = {
  name: "CSV",
  description: "A table with a head line and a row for each question; everything but texts with gaps.",
  fileEnding: "csv",
  contentType: "text/csv; charset=utf-8",

  async *read(source) {
    let head: ReturnType<typeof readHead> | null = null;
    for await (const { line, text, fields, problem } of csvRecords(fileText(source))) {
      if (!head) {
        if (problem) throw unreadable(line, problem);
        head = readHead({ line, fields });
        for (const name of head.unknown)
          yield { kind: "note", line, message: `The column "${name.slice(0, 50)}" is not known, and not used.` };
      } else if (problem) {
        yield { kind: "refused", line, title: null, excerpt: excerptOf(text), reason: problem };
      } else {
        const { rowOf, titleOf } = head;
        yield takeQuestion({ line, title: titleOf(fields), text }, () => readRow(rowOf(fields)));
      }
    }
  },

  async *write(questions, report) {
    yield csvLine(HEAD);
    yield* writeEach(questions, report, writeRow);
  },
} as const satisfies QuestionFormat;
