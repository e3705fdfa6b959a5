import { badInput } from "../../errors.ts";
import { fileText } from "../fileText.ts";
import type { BinaryFormat, ReadEntry, StoredFile } from "../questionFormat.ts";
import type { QtiVersion } from "./elements.ts";
import { itemText, readItem, readPackage } from "./readPackage.ts";
import { writePackage } from "./writePackage.ts";

/** Packages and single items of every version from 2.0 are read, whichever of the formats is named. */
async function* read(source: StoredFile): AsyncGenerator<ReadEntry> {
  const [first, second] = await source.range(0, 2);
  if (first === 0x50 && second === 0x4b) return yield* readPackage(source); // "PK"
  const xml = await itemText(fileText(source));
  if (!xml.trimStart().startsWith("<"))
    throw badInput("The file is neither a zip file nor XML.", [{ path: "input.content", message: "is no QTI" }]);
  yield readItem(xml, 1);
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
  }) as const satisfies BinaryFormat;

/** https://www.imsglobal.org/question/ */
export const qti22 = format("QTI_2_2", "2.2");
export const qti30 = format("QTI_3_0", "3.0");
