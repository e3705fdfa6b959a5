import { DomainError } from "../../errors.ts";
import { QuestionProblem, tooManyQuestions } from "../fileProblem.ts";
import { fileText } from "../fileText.ts";
import { MAX_QUESTION_LENGTH, MAX_QUESTIONS } from "../limits.ts";
import type { ReadEntry, StoredFile } from "../questionFormat.ts";
import { excerptOf, takeQuestion } from "../takeQuestion.ts";
import { toItem } from "./item.ts";
import { folderOf, MANIFEST, outlineOf, pathFrom } from "./manifest.ts";
import { MAX_ITEM_BYTES, MAX_MANIFEST_BYTES, TEST_LIMITS } from "./packageLimits.ts";
import { type Resource, readManifest } from "./readManifest.ts";
import { toQuestion } from "./toQuestion.ts";
import { parseXml, readXml, textOf, type XmlNode } from "./xmlTree.ts";
import { openZip, refusedPackage, type ZipFiles } from "./zipFiles.ts";

/**
 * What becomes of the tests and items of a content package: first the tests, then the items in the order of the tests,
 * then those of no test. @throws BAD_USER_INPUT for what is no such package, UNPROCESSABLE (IMPORT_TOO_LARGE)
 */
export async function* readPackage(file: StoredFile): AsyncGenerator<ReadEntry> {
  const zip = await openZip(file);
  if (!zip.has(MANIFEST)) throw refusedPackage(`there is no ${MANIFEST} at the top of the archive.`);
  const resources = await manifestOf(zip);
  const items = new Map(resources.filter(({ kind }) => kind === "item").map((item) => [item.path, item]));
  if (items.size > MAX_QUESTIONS) throw tooManyQuestions(); // before each of them is tried
  const order = new Set<string>();
  let place = 0;
  const tests = new Set<string>();
  for (const resource of resources) {
    if (resource.kind === "item" || tests.has(resource.path)) continue;
    if (resource.kind === "test") tests.add(resource.path); // a manifest may name it more than once
    place += 1;
    yield* readOther(zip, resource, place, order, items);
  }
  for (const path of new Set([...order, ...items.keys()])) {
    place += 1;
    yield await readPacked(zip, items.get(path) ?? { path, tags: [] }, place);
  }
  if (place === 0) throw refusedPackage("its manifest names no items and no tests.");
}

async function manifestOf(zip: ZipFiles): Promise<Resource[]> {
  try {
    return await readManifest(textIn(zip, MANIFEST, MAX_MANIFEST_BYTES));
  } catch (error) {
    if (error instanceof QuestionProblem) throw refusedPackage(`${MANIFEST}: ${error.message}`);
    throw error;
  }
}

/** A test, whose items are added to the order; or what holds no questions. */
async function* readOther(
  zip: ZipFiles,
  { path, type, kind }: Resource,
  line: number,
  order: Set<string>,
  items: ReadonlyMap<string, Resource>,
): AsyncGenerator<ReadEntry> {
  if (kind === "other") {
    if (/qti/i.test(type))
      yield { kind: "refused", line, title: null, excerpt: path, reason: `Files of the type ${type} are not read.` };
    else yield { kind: "note", line, message: `${path || "A resource without a file"} (${type}) is not taken along.` };
    return;
  }
  const refused = (reason: string): ReadEntry => ({ kind: "refused", line, title: null, excerpt: path, reason });
  if (!zip.has(path)) return yield refused(missing(path));
  try {
    const { title, items: named, lost } = outlineOf(await testIn(zip, path));
    for (const href of named) {
      const item = pathFrom(folderOf(path), href);
      if (item !== null && (items.has(item) || zip.has(item))) order.add(item);
      else yield refused(`${path}: it names ${href.slice(0, 100)}, which is not in the package.`);
    }
    const without = lost.length > 0 ? ` ${lost.join(", ")} are lost.` : "";
    yield {
      kind: "note",
      line,
      message: `The test "${title}" gives its ${named.length} items their order; it becomes no exam.${without}`,
    };
  } catch (error) {
    if (!(error instanceof QuestionProblem || error instanceof DomainError)) throw error;
    yield refused(`${path}: ${error.message}`);
  }
}

/** The root of a test. @throws QuestionProblem for what is no XML, or more than a test may be */
const testIn = (zip: ZipFiles, path: string): Promise<XmlNode> =>
  readXml(textIn(zip, path, TEST_LIMITS.maxBytes), TEST_LIMITS);

const missing = (path: string) => `The manifest names ${path}, which is not in the archive.`;

async function readPacked(
  zip: ZipFiles,
  { path, tags }: Pick<Resource, "path" | "tags">,
  line: number,
): Promise<ReadEntry> {
  const refused = (reason: string): ReadEntry => ({ kind: "refused", line, title: null, excerpt: path, reason });
  if (!zip.has(path)) return refused(missing(path));
  try {
    const entry = readItem(await itemText(textIn(zip, path, MAX_ITEM_BYTES)), line, tags);
    return entry.kind === "refused" ? { ...entry, reason: `${path}: ${entry.reason}` } : entry;
  } catch (error) {
    if (error instanceof DomainError) return refused(`${path}: ${error.message}`); // this file alone cannot be read
    throw error;
  }
}

const textIn = (zip: ZipFiles, path: string, maxBytes: number): AsyncGenerator<string> =>
  fileText(zip.read(path, maxBytes), maxBytes);

/** The text of an item; of one that is too long, only so much that it is found to be. */
export async function itemText(pieces: AsyncIterable<string>): Promise<string> {
  let text = "";
  for await (const piece of pieces) {
    text += piece;
    if (text.length > MAX_QUESTION_LENGTH) break;
  }
  return text;
}

/** A question of the XML text of one item. */
export function readItem(xml: string, line: number, tags: readonly string[] = []): ReadEntry {
  const read = rootOf(xml);
  const { attributes = {} } = read.root ?? {};
  const text = read.root ? textOf(read.root) : xml;
  return takeQuestion({ line, title: attributes.title?.trim() || null, text: excerptOf(text) || xml }, () => {
    if (!read.root) throw read.problem;
    const question = toQuestion(toItem(read.root));
    return { ...question, tags: [...question.tags, ...tags] };
  });
}

function rootOf(xml: string): { root: XmlNode; problem: null } | { root: null; problem: QuestionProblem } {
  try {
    return { root: parseXml(xml), problem: null };
  } catch (error) {
    if (error instanceof QuestionProblem) return { root: null, problem: error };
    throw error;
  }
}
