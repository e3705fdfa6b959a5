import { QuestionProblem } from "../fileProblem.ts";
import { descendants, type XmlNode } from "./xmlTree.ts";

export const MANIFEST = "imsmanifest.xml";

/** A path within the package; null for what leads out of it. */
export function pathFrom(folder: string, href: string): string | null {
  const parts: string[] = [];
  for (const part of `${folder}/${decoded(href)}`.split("/")) {
    if (part === "..") {
      if (parts.pop() === undefined) return null;
    } else if (part !== "" && part !== ".") parts.push(part);
  }
  return parts.join("/");
}

const decoded = (href: string): string => {
  try {
    return decodeURIComponent(href.replace(/[?#].*$/, ""));
  } catch {
    return href; // a per cent sign that stands for itself
  }
};

export const folderOf = (path: string) => path.split("/").slice(0, -1).join("/");

export interface TestOutline {
  title: string;
  /** The hrefs of its items in their order. */
  items: string[];
  /** What a bank of questions does not keep of it. */
  lost: string[];
}

const LOST_ELEMENTS: Record<string, string> = {
  branchRule: "branches",
  preCondition: "conditions",
  timeLimits: "time limits",
  selection: "the selection of some items",
  ordering: "shuffled sections",
  weight: "weights of items",
  outcomeProcessing: "the calculation of its outcomes",
  testFeedback: "feedback on the test",
  rubricBlock: "rubrics",
};

/** @throws QuestionProblem for what is no test */
export function outlineOf(test: XmlNode): TestOutline {
  if (test.name !== "assessmentTest") throw new QuestionProblem(`It holds <${test.name.slice(0, 50)}> and no test.`);
  const all = [...descendants(test)];
  const found = new Set(all.flatMap(({ name }) => (Object.hasOwn(LOST_ELEMENTS, name) ? LOST_ELEMENTS[name]! : [])));
  return {
    title: test.attributes.title ?? test.attributes.identifier ?? "",
    items: all.filter(({ name }) => name === "assessmentItemRef").flatMap(({ attributes }) => attributes.href ?? []),
    lost: [...found],
  };
}
