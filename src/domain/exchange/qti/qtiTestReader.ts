import { QuestionProblem } from "../fileProblem.ts";
import { withSectionFiles } from "./sectionFiles.ts";
import { lossesOf } from "./testLosses.ts";
import { readTestScore } from "./testScore.ts";
import { flatSections, type TestSection } from "./testSections.ts";
import { durationOf } from "./testTime.ts";
import type { XmlNode } from "./xmlTree.ts";

/** An assessment test as far as an exam can be made of it. */
export interface ReadTest {
  title: string;
  durationMinutes: number | null;
  floor: string | null;
  sections: (TestSection & { floor: string | null })[];
  /** The weight that counts; null where none does, left out where the test does not say. */
  weight?: string | null;
  /** The paths of the files that its sections stand in. */
  files: ReadonlySet<string>;
  /** Why files could not be taken, a sentence each. */
  problems: string[];
  /** What an exam does not keep of it, a sentence each. */
  lost: string[];
}

/** Of a test that does not say how its score is worked out, and of a new exam. */
const USUAL_FLOOR = "0";

/**
 * Reads a test at a path of a package. `read` gives the root of another file; null for one that is not there.
 * @throws QuestionProblem for what is no test
 */
export async function readTest(
  root: XmlNode,
  path: string,
  read: (path: string) => Promise<XmlNode | null>,
): Promise<ReadTest> {
  if (root.name !== "assessmentTest") throw new QuestionProblem(`It holds <${root.name.slice(0, 50)}> and no test.`);
  const { test, files, problems } = await withSectionFiles(root, path, read);
  const lost: string[] = [];
  const flattened = new Set<string>();
  const sections = flatSections(test, flattened);
  const durationMinutes = durationOf(test, lost);
  const score = readTestScore(test, lost);
  const floors = score?.sectionFloors ?? new Map<string, string | null>();
  const isEachAddedUp =
    score?.sectionFloors == null ||
    (floors.size === sections.length && sections.every(({ identifier }) => floors.has(identifier)));
  if (!isEachAddedUp)
    lost.push("Its score adds up some of its sections, or some of their parts; here all questions count.");
  return {
    title: test.attributes.title?.trim() || test.attributes.identifier || "",
    durationMinutes,
    floor: score ? score.floor : USUAL_FLOOR,
    sections: sections.map((section) => ({
      ...section,
      floor: isEachAddedUp ? (floors.get(section.identifier) ?? null) : null,
    })),
    ...(score && { weight: score.weight }),
    files,
    problems,
    lost: [...lost, ...flattened, ...lossesOf(test)],
  };
}
