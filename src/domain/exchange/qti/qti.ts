import { badInput } from "../../errors.ts";
import { fileText } from "../fileText.ts";
import { MAX_FILE_BYTES } from "../limits.ts";
import type { FileSource, QuestionFormat, ReadEntry } from "../questionFormat.ts";
import type { QtiVersion } from "./elements.ts";
import { readItem, readPackage } from "./readPackage.ts";
import { writeExam } from "./writeExam.ts";
import { writePackage } from "./writePackage.ts";
import { refusedPackage } from "./zipFiles.ts";

/** Packages and single items of every version from 2.0 are read, whichever of the formats is named. */
async function* read(source: FileSource): AsyncGenerator<ReadEntry> {
  const bytes = await bytesOf(source);
  if (bytes[0] === 0x50 && bytes[1] === 0x4b) return yield* readPackage(bytes); // "PK"
  let xml = "";
  async function* file() {
    yield bytes;
  }
  for await (const piece of fileText(file())) xml += piece;
  if (!xml.trimStart().startsWith("<"))
    throw badInput("The file is neither a zip file nor XML.", [{ path: "input.content", message: "is no QTI" }]);
  yield readItem(xml, 1);
}

async function bytesOf(source: FileSource): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of source) {
    const bytes = typeof piece === "string" ? Buffer.from(piece) : piece;
    length += bytes.length;
    if (length > MAX_FILE_BYTES) throw refusedPackage("it is larger than 50 MB.");
    pieces.push(bytes);
  }
  return Buffer.concat(pieces);
}

const format = <Name extends string>(name: Name, version: QtiVersion) =>
  ({
    name,
    description: `Content packages of QTI ${version}; packages and items of 2.x and 3.0 are read.`,
    fileEnding: "zip",
    contentType: "application/zip",
    isBinary: true,
    read,
    write: (questions, report) => writePackage(version, questions, report),
    writeExam: (exam, questions, report) => writeExam(version, exam, questions, report),
  }) as const satisfies QuestionFormat;

/** https://www.imsglobal.org/question/ */
export const qti21 = format("QTI_2_1", "2.1");
export const qti22 = format("QTI_2_2", "2.2");
export const qti30 = format("QTI_3_0", "3.0");
