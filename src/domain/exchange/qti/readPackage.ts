import { DomainError } from "../../errors.ts";
import { QuestionProblem } from "../fileProblem.ts";
import { fileText } from "../fileText.ts";
import { MAX_LIST_LENGTH } from "../limits.ts";
import type { ReadEntry } from "../questionFormat.ts";
import { excerptOf, takeQuestion } from "../takeQuestion.ts";
import { examOf, type TakenItem } from "./examOfTest.ts";
import { toItem } from "./item.ts";
import { MANIFEST, type Resource, resourcesOf } from "./manifest.ts";
import { type ReadTest, readTest } from "./qtiTestReader.ts";
import { toQuestion } from "./toQuestion.ts";
import { parseXml, textOf, type XmlNode } from "./xmlTree.ts";
import { openZip, refusedPackage, type ZipFiles } from "./zipFiles.ts";

/**
 * What becomes of the tests and items of a content package: first what is wrong with the tests, then the items in the order of the
 * tests and those of no test, and at the end the exams that the tests become. @throws BAD_USER_INPUT for what is no such package
 */
export async function* readPackage(bytes: Uint8Array): AsyncGenerator<ReadEntry> {
  const zip = await openZip(bytes);
  if (!zip.has(MANIFEST)) throw refusedPackage(`there is no ${MANIFEST} at the top of the archive.`);
  const resources = await manifestOf(zip);
  const items = new Map(resources.filter(({ kind }) => kind === "item").map((item) => [item.path, item]));
  const tests: PlacedTest[] = [];
  const sections: { path: string; line: number }[] = [];
  let place = 0;
  for (const resource of resources) {
    if (resource.kind === "item") continue;
    place += 1;
    if (resource.kind === "test") yield* readPackedTest(zip, resource, place, tests, items);
    else if (resource.kind === "section") sections.push({ path: resource.path, line: place });
    else yield unread(resource, place);
  }
  for (const { path, line } of sections)
    if (!tests.some(({ test }) => test.files.has(path)))
      yield {
        kind: "note",
        line,
        message: `No test names the section ${path}; its items are taken as the manifest lists them.`,
      };
  const named = tests.flatMap(({ items }) => items).filter((path) => items.has(path) || zip.has(path));
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
  for (const { line, test, items } of tests) {
    const { exam, lost } = examOf(test, (path) => taken.get(path));
    yield { kind: "exam", line, title: test.title, items: items.length, exam, changed: lost };
  }
  if (place === 0) throw refusedPackage("its manifest names no items and no tests.");
}

async function manifestOf(zip: ZipFiles): Promise<Resource[]> {
  try {
    return resourcesOf(parseXml(await textIn(zip, MANIFEST), MAX_LIST_LENGTH));
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
  /** The paths that it names, in its order. */
  items: string[];
}

/** What is wrong with a test, which is added to the tests. */
async function* readPackedTest(
  zip: ZipFiles,
  { path }: Resource,
  line: number,
  tests: PlacedTest[],
  listed: ReadonlyMap<string, Resource>,
): AsyncGenerator<ReadEntry> {
  const refused = (reason: string): ReadEntry => ({ kind: "refused", line, title: null, excerpt: path, reason });
  if (!zip.has(path)) return yield refused(missing(path));
  const read = async (file: string) => parseXml(await textIn(zip, file), MAX_LIST_LENGTH);
  try {
    const test = await readTest(await read(path), path, async (file) => (zip.has(file) ? read(file) : null));
    const items = test.sections.flatMap((section) => section.items);
    for (const problem of test.problems) yield refused(`${path}: ${problem}`);
    for (const { path: item, href } of items)
      if (item === null || !(listed.has(item) || zip.has(item)))
        yield refused(`${path}: it names ${href.slice(0, 100)}, which is not in the package.`);
    tests.push({ line, test, items: items.flatMap((item) => item.path ?? []) });
  } catch (error) {
    if (!(error instanceof QuestionProblem)) throw error;
    yield refused(`${path}: ${error.message}`);
  }
}

const missing = (path: string) => `The manifest names ${path}, which is not in the archive.`;

async function readPacked(
  zip: ZipFiles,
  { path, tags }: Pick<Resource, "path" | "tags">,
  line: number,
): Promise<ReadEntry> {
  const refused = (reason: string): ReadEntry => ({ kind: "refused", line, title: null, excerpt: path, reason });
  if (!zip.has(path)) return refused(missing(path));
  try {
    const entry = readItem(await textIn(zip, path), line, tags);
    return entry.kind === "refused" ? { ...entry, reason: `${path}: ${entry.reason}` } : entry;
  } catch (error) {
    if (error instanceof DomainError) return refused(`${path}: ${error.message}`); // this file alone cannot be read
    throw error;
  }
}

async function textIn(zip: ZipFiles, path: string): Promise<string> {
  const bytes = await zip.read(path);
  let text = "";
  async function* file() {
    yield bytes;
  }
  for await (const piece of fileText(file())) text += piece;
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
