import { describe, expect, it } from "@jest/globals";
import { moodleXml } from "../../../src/domain/exchange/moodle/moodleXml.ts";
import { fromQuestion } from "../../../src/domain/exchange/qti/fromQuestion.ts";
import { toItem } from "../../../src/domain/exchange/qti/item.ts";
import { toQuestion } from "../../../src/domain/exchange/qti/toQuestion.ts";
import { parseXml } from "../../../src/domain/exchange/qti/xmlTree.ts";
import type { ImportedQuestion } from "../../../src/domain/exchange/questionFormat.ts";
import { questionFormats } from "../../../src/domain/exchange/questionFormats.ts";
import { parseDefinition } from "../../../src/domain/questionTypes.ts";
import { readAll, writeAll } from "./files.ts";

const DEFAULT_ACCEPT = (parseDefinition("FILE_UPLOAD", {}) as { accept: string[] }).accept;

const question = (definition: object): ImportedQuestion => ({
  type: "FILE_UPLOAD",
  title: "Report",
  stem: "Hand in your report.",
  stemFormat: "PLAIN",
  definition: parseDefinition("FILE_UPLOAD", definition),
  points: "5",
  feedback: null,
  tags: [],
});

describe("a question that is answered with files", () => {
  it("goes through Moodle XML with its limits", async () => {
    const before = question({ maxFiles: 2, maxBytes: 1_000_000, accept: [".pdf", ".xyz"], guidance: "Look closely." });
    const { file, reports } = await writeAll(moodleXml, [before]);
    expect(reports).toEqual([]);
    expect((await readAll(moodleXml, file)).taken).toMatchObject([{ question: before, changed: [] }]);
  });

  it("loses its rubric, and says so", async () => {
    const levels = ["0", "1"].map((points) => ({ text: `Level ${points}`, points }));
    const before = question({ maxFiles: 1, rubric: [{ title: "Argument", levels }] });
    expect((await writeAll(moodleXml, [before])).reports).toMatchObject([{ lost: ["The rubric."] }]);
    const lost: string[] = [];
    fromQuestion(before, "3.0", "item-1", lost);
    expect(lost).toContain("The rubric.");
  });

  it("goes through QTI 3.0 with what QTI can say of it", () => {
    const before = question({ maxBytes: 1_000_000, accept: [".pdf", "image/*"], guidance: "Look closely." });
    const lost: string[] = [];
    const { definition } = toQuestion(toItem(parseXml(fromQuestion(before, "3.0", "item-1", lost))));
    expect(lost).toEqual(["The limit of 1000000 bytes."]);
    expect(parseDefinition("FILE_UPLOAD", definition)).toEqual(
      parseDefinition("FILE_UPLOAD", {
        guidance: "Look closely.",
        accept: ["application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "image/heic"],
      }),
    );
  });

  it.each<[keyof typeof questionFormats, string]>([
    ["AIKEN", "Aiken has no questions like FILE_UPLOAD."],
    ["GIFT", "GIFT has no questions like FILE_UPLOAD."],
    ["CSV", "There are no columns for FILE_UPLOAD, the files that are handed in."],
  ])("is refused by name by %s", async (format, refused) => {
    expect((await writeAll(questionFormats[format], [question({})])).reports).toMatchObject([{ refused }]);
  });

  it.each<[keyof typeof questionFormats, number, string]>([
    ["MOODLE_XML", 4, "Moodle takes up to 3 files, and this question 4."],
    ["QTI_2_2", 2, "In QTI one file is handed in, and this question takes 2."],
  ])("is refused by %s when it takes %s files", async (format, maxFiles, refused) => {
    expect((await writeAll(questionFormats[format], [question({ maxFiles })])).reports).toMatchObject([{ refused }]);
  });

  it("says what Moodle did not, and what it said that is not known here", async () => {
    const file = `<quiz><question type="essay"><name><text>Report</text></name>
      <questiontext format="html"><text>Hand it in.</text></questiontext><defaultgrade>5</defaultgrade>
      <responseformat>noinline</responseformat><attachments>-1</attachments><filetypeslist>web_image</filetypeslist>
    </question></quiz>`;
    const [taken] = (await readAll(moodleXml, file)).taken;
    expect(taken!.question).toMatchObject({
      type: "FILE_UPLOAD",
      definition: { maxFiles: 10, accept: DEFAULT_ACCEPT },
    });
    expect(taken!.changed).toEqual([
      "At most 10 files can be handed in.",
      "How large a file may be is not said, or is more than 100 MB; the usual limit holds.",
      "Files of the kind web_image are not known here.",
      "Which files are accepted is not said; the usual ones are.",
    ]);
  });
});
