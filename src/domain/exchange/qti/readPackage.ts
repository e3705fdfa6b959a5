import { DomainError } from "../../errors.ts";
import { QuestionProblem, tooManyQuestions } from "../fileProblem.ts";
import { fileText } from "../fileText.ts";
import { MAX_QUESTION_LENGTH, MAX_QUESTIONS } from "../limits.ts";
import type { ReadEntry, StoredFile } from "../questionFormat.ts";
import { excerptOf, takeQuestion } from "../takeQuestion.ts";
import { examOf, type TakenItem } from "./examOfTest.ts";
import { toItem } from "./item.ts";
import { MANIFEST } from "./manifest.ts";
import { MAX_ITEM_BYTES, MAX_MANIFEST_BYTES, MAX_PLACES, TEST_LIMITS } from "./packageLimits.ts";
import { type ReadTest, readTest } from "./qtiTestReader.ts";
import { type Resource, readManifest } from "./readManifest.ts";
import { toQuestion } from "./toQuestion.ts";
import { parseXml, readXml, textOf, type XmlNode } from "./xmlTree.ts";
import { openZip, refusedPackage, type ZipFiles } from "./zipFiles.ts";

/**
 * What becomes of the tests and items of a content package: first what is wrong with the tests, then the items in the order of the
 * tests and those of no test, and at the end the exams that the tests become.
 * @throws BAD_USER_INPUT for what is no such package, UNPROCESSABLE (IMPORT_TOO_LARGE)
 */
export async function* readPackage(file: StoredFile): AsyncGenerator<ReadEntry> {
  const zip = await openZip(file);
  if (!zip.has(MANIFEST)) throw refusedPackage(`there is no ${MANIFEST} at the top of the archive.`);
  const resources = await manifestOf(zip);
  const items = new Map(resources.filter(({ kind }) => kind === "item").map((item) => [item.path, item]));
  if (items.size > MAX_QUESTIONS) throw tooManyQuestions(); // before each of them is tried
  const tests: PlacedTest[] = [];
  const sections: { path: string; line: number }[] = [];
  let place = 0;
  const seen = new Set<string>();
  for (const resource of resources) {
    const { path, kind } = resource;
    if (kind === "item" || seen.has(path)) continue;
    if (kind === "test") seen.add(path); // a manifest may name it more than once
    place += 1;
    if (kind === "test") yield* readPackedTest(zip, path, place, tests, items);
    else if (kind === "section") sections.push({ path, line: place });
    else yield unread(resource, place);
  }
  const used = new Set(tests.flatMap(({ test }) => [...test.files]));
  for (const { path, line } of sections)
    if (!used.has(path))
      yield {
        ...{ kind: "note", line },
        message: `No test names the section ${path}; its items are taken as the manifest lists them.`,
      };
  const named = tests.flatMap(({ paths }) => paths).filter((path) => items.has(path) || zip.has(path));
  const taken = new Map<string, TakenItem>();
  for (const path of new Set([...named, ...items.keys()])) {
    place += 1;
    const entry = await readPacked(zip, items.get(path) ?? { path, tags: [] }, place);
    if (entry.kind === "taken") {
      const { type, points } = entry.question;
      taken.set(path, { line: place, points, isText: type === "INFORMATION" });
    }
    yield entry;
  }
  for (const { line, test, paths } of tests) {
    const { exam, lost } = examOf(test, (path) => taken.get(path));
    yield { kind: "exam", line, title: test.title, items: paths.length, exam, changed: lost };
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

function unread({ path, type }: Resource, line: number): ReadEntry {
  if (/qti/i.test(type))
    return { kind: "refused", line, title: null, excerpt: path, reason: `Files of the type ${type} are not read.` };
  return { kind: "note", line, message: `${path || "A resource without a file"} (${type}) is not taken along.` };
}

interface PlacedTest {
  line: number;
  test: ReadTest;
  /** Of the items it names, in its order. */
  paths: string[];
  /** How many sections and items it and the tests before it have. */
  places: number;
}

/** What is wrong with a test, which is added to the tests. */
async function* readPackedTest(
  zip: ZipFiles,
  path: string,
  line: number,
  tests: PlacedTest[],
  listed: ReadonlyMap<string, Resource>,
): AsyncGenerator<ReadEntry> {
  const refused = (reason: string): ReadEntry => ({ kind: "refused", line, title: null, excerpt: path, reason });
  if (!zip.has(path)) return yield refused(missing(path));
  try {
    const test = await readTest(await testIn(zip, path), path, async (file) =>
      zip.has(file) ? testIn(zip, file) : null,
    );
    const items = test.sections.flatMap((section) => section.items);
    const places = (tests.at(-1)?.places ?? 0) + test.sections.length + items.length;
    if (places > MAX_PLACES)
      return yield refused(`${path}: the tests of a package may have ${MAX_PLACES} sections and items together.`);
    for (const problem of test.problems) yield refused(`${path}: ${problem}`);
    for (const { path: item, href } of items)
      if (item === null || !(listed.has(item) || zip.has(item)))
        yield refused(`${path}: it names ${href.slice(0, 100)}, which is not in the package.`);
    tests.push({ line, test, paths: items.flatMap((item) => item.path ?? []), places });
  } catch (error) {
    if (!(error instanceof QuestionProblem || error instanceof DomainError)) throw error;
    yield refused(`${path}: ${error.message}`);
  }
}

/** The root of a test or of a section. @throws QuestionProblem for what is no XML, or more than a test may be */
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
