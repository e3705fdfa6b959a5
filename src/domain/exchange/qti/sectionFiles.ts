import { DomainError } from "../../errors.ts";
import { QuestionProblem } from "../fileProblem.ts";
import { MAX_XML_DEPTH } from "../limits.ts";
import { folderOf, pathFrom } from "./manifest.ts";
import { MAX_SECTION_FILES, TEST_LIMITS } from "./packageLimits.ts";
import type { XmlNode } from "./xmlTree.ts";

/** A test with the sections that stand in files of their own put where it names them. */
export interface WholeTest {
  test: XmlNode;
  /** The paths of the files it took. */
  files: ReadonlySet<string>;
  /** Why a file could not be taken, a sentence each. */
  problems: string[];
}

/**
 * Follows the references of a test to sections in other files, each of which is taken once, and makes paths within the package of what
 * names an item. `read` gives the root of a file; null for one that is not there.
 * @throws QuestionProblem for more elements than a test may have
 */
export async function withSectionFiles(
  root: XmlNode,
  path: string,
  read: (path: string) => Promise<XmlNode | null>,
): Promise<WholeTest> {
  const files = new Set<string>();
  const problems: string[] = [];

  let nodes = 0;

  async function whole(node: XmlNode, folder: string, depth: number): Promise<XmlNode> {
    nodes += 1;
    if (nodes > TEST_LIMITS.maxNodes)
      throw new QuestionProblem(`The test and its sections have more than ${TEST_LIMITS.maxNodes} elements.`);
    const children: XmlNode["children"] = [];
    for (const child of node.children) {
      if (typeof child === "string") children.push(child);
      else if (child.name === "assessmentSectionRef") children.push(...(await sectionOf(child, folder, depth + 1)));
      else if (child.name === "assessmentItemRef") children.push(withPath(child, folder));
      else children.push(await whole(child, folder, depth + 1));
    }
    return { ...node, children };
  }

  async function sectionOf({ attributes: { href = "" } }: XmlNode, folder: string, depth: number): Promise<XmlNode[]> {
    const file = pathFrom(folder, href);
    const problem = (what: string) => {
      problems.push(`It names the section ${href.slice(0, 100)}, which ${what}.`);
      return [];
    };
    if (file === null) return problem("is not in the package");
    // Also ends a section that names itself.
    if (files.has(file)) return problem("it has already; a question has one place in an exam");
    if (files.size === MAX_SECTION_FILES) return problem(`is more than the ${MAX_SECTION_FILES} files that are read`);
    if (depth > MAX_XML_DEPTH) return problem(`is nested more than ${MAX_XML_DEPTH} deep`);
    files.add(file);
    try {
      const section = await read(file);
      if (!section) return problem("is not in the package");
      if (section.name !== "assessmentSection") return problem(`holds <${section.name.slice(0, 50)}> and no section`);
      return [await whole(section, folderOf(file), depth)];
    } catch (error) {
      if (!(error instanceof QuestionProblem || error instanceof DomainError)) throw error;
      return problem(`cannot be read: ${error.message.replace(/\.$/, "")}`);
    }
  }

  return { test: await whole(root, folderOf(path), 1), files, problems };
}

/** `path` is left out for what leads out of the package. */
function withPath(reference: XmlNode, folder: string): XmlNode {
  const path = pathFrom(folder, reference.attributes.href ?? "");
  return { ...reference, attributes: { ...reference.attributes, ...(path !== null && { path }) } };
}
