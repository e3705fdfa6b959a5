import { DomainError } from "../../errors.ts";
import { QuestionProblem } from "../fileProblem.ts";
import { fileText } from "../fileText.ts";
import { MAX_LIST_LENGTH } from "../limits.ts";
import type { ReadEntry } from "../questionFormat.ts";
import { excerptOf, takeQuestion } from "../takeQuestion.ts";
import { toItem } from "./item.ts";
import { folderOf, MANIFEST, outlineOf, pathFrom, type Resource, resourcesOf } from "./manifest.ts";
import { toQuestion } from "./toQuestion.ts";
import { parseXml, textOf, type XmlNode } from "./xmlTree.ts";
import { openZip, refusedPackage, type ZipFiles } from "./zipFiles.ts";

/**
 * What becomes of the tests and items of a content package: first the tests, then the items in the order of the tests,
 * then those of no test. @throws BAD_USER_INPUT for what is no such package
 */
export async function* readPackage(bytes: Uint8Array): AsyncGenerator<ReadEntry> {
  const zip = await openZip(bytes);
  if (!zip.has(MANIFEST)) throw refusedPackage(`there is no ${MANIFEST} at the top of the archive.`);
  const resources = await manifestOf(zip);
  const items = new Map(resources.filter(({ kind }) => kind === "item").map((item) => [item.path, item]));
  const order = new Set<string>();
  let place = 0;
  for (const resource of resources) {
    if (resource.kind === "item") continue;
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
    return resourcesOf(parseXml(await textIn(zip, MANIFEST), MAX_LIST_LENGTH));
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
    const { title, items: named, lost } = outlineOf(parseXml(await textIn(zip, path), MAX_LIST_LENGTH));
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
