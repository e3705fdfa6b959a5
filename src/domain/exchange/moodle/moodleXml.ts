import { categoryNote, tagsOfCategory } from "../categoryTag.ts";
import { fileText } from "../fileText.ts";
import type { QuestionFormat, ReadEntry } from "../questionFormat.ts";
import { writeEach } from "../writeEach.ts";
import { childOf, childrenOfRoot, type XmlElement } from "../xmlElements.ts";
import { textIn } from "./moodleText.ts";
import { readQuestion } from "./readQuestion.ts";
import { writeMoodle } from "./writeMoodle.ts";

/** Moodle's own format, https://docs.moodle.org/en/Moodle_XML_format. */
export const moodleXml = {
  name: "MOODLE_XML",
  description: "Moodle's XML format.",
  fileEnding: "xml",
  contentType: "application/xml; charset=utf-8",

  async *read(source) {
    let tags: string[] = [];
    for await (const element of childrenOfRoot(fileText(source), { root: "quiz", unread: ["file"] })) {
      if (element.name !== "question") continue;
      if (element.attributes.type !== "category") {
        yield readQuestion(element, tags);
        continue;
      }
      const path = textIn(element, "category");
      tags = tagsOfPath(path);
      yield { kind: "note", line: element.line, message: categoryNote(path, tags) };
      yield* lostOfCategory(element);
    }
  },

  async *write(questions, report) {
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<quiz>\n';
    yield* writeEach(questions, report, writeMoodle);
    yield "</quiz>\n";
  },
} as const satisfies QuestionFormat;

/** `$course$` and `top` stand for where the import goes to. */
const tagsOfPath = (path: string) => tagsOfCategory(path.replace(/^\$\w+\$(\/|$)/, "").replace(/^top(\/|$)/, ""));

function* lostOfCategory(element: XmlElement): Generator<ReadEntry> {
  const { line } = element;
  const [info, id] = [textIn(element, "info"), textIn(element, "idnumber")];
  if (info)
    yield {
      kind: "note",
      line: childOf(element, "info")?.line ?? line,
      message: "The description of the category is not kept.",
    };
  if (id) yield { kind: "note", line, message: `The id ${id} of the category is not kept.` };
}
