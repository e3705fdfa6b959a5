import { childrenNamed, descendants, elementsOf, type XmlNode } from "./xmlTree.ts";

/** What is read elsewhere, or says nothing that an exam does not do in any case. */
const READ = new Set(
  (
    "assessmentTest testPart assessmentSection assessmentItemRef selection ordering weight timeLimits itemSessionControl " +
    "outcomeDeclaration outcomeProcessing"
  ).split(" "),
);
/** What an exam has no place for, by its element. */
const LOST: Readonly<Record<string, string>> = {
  preCondition: "conditions on what is asked: all of it is",
  branchRule: "branches: nobody skips questions",
  templateDefault: "values for templates",
  variableMapping: "other names of outcomes",
  rubricBlock: "texts beside the questions",
  testFeedback: "feedback on the test",
  stylesheet: "style sheets",
  adaptiveSelection: "an adaptive choice of questions",
  contextDeclaration: "variables of the context",
};
/** An item's session as an exam has it, where nothing else is said. */
const SESSION: Readonly<Record<string, string>> = {
  maxAttempts: "1",
  showFeedback: "false",
  allowReview: "true",
  showSolution: "false",
  allowComment: "false",
  allowSkipping: "true",
  validateResponses: "false",
};

/** What an exam does not keep of a test besides what its sections, its score and its time say: a sentence each. */
export function lossesOf(test: XmlNode): string[] {
  const counts = new Map<string, number>();
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1);
  const said = new Set<string>();
  const parts = childrenNamed(test, "testPart").length;
  for (const node of structureOf(test)) {
    if (!READ.has(node.name)) count(node.name);
    for (const sentence of attributesLost(node)) said.add(sentence);
  }
  return [
    ...[...counts].map(([name, times]) => {
      const what = Object.hasOwn(LOST, name)
        ? `${LOST[name]} (${name}`
        : `what is not known here (${name.slice(0, 50)}`;
      return `Lost: ${what}${times > 1 ? `, ${times} times` : ""}).`;
    }),
    ...(parts > 1 ? [`Its ${parts} parts become one, with their sections one after the other.`] : []),
    ...sessionLosses(test),
    ...said,
  ];
}

/** The elements that a test is made of; what is within one that is lost as a whole is lost with it. */
function* structureOf(node: XmlNode): Generator<XmlNode> {
  yield node;
  if (!READ.has(node.name) || node.name === "outcomeDeclaration" || node.name === "outcomeProcessing") return;
  for (const child of elementsOf(node)) yield* structureOf(child);
}

function* attributesLost({ name, attributes }: XmlNode): Generator<string> {
  if (attributes.navigationMode === "linear")
    yield "Its questions would be answered in their order and without a way back; here everybody may go back.";
  if (attributes.submissionMode === "individual")
    yield "Each answer would be handed in by itself; here all are handed in together.";
  if (attributes.masteryValue !== undefined)
    yield `The score that passes (masteryValue ${attributes.masteryValue.slice(0, 20)}) is lost; an exam has a pass mark in percent.`;
  if (name === "assessmentSection" && attributes.visible === "false")
    yield "Sections that would not be shown are shown by their titles.";
  if (name === "assessmentItemRef" && attributes.category) yield "The categories of its items are lost.";
}

function sessionLosses(test: XmlNode): string[] {
  const asked = new Set<string>();
  for (const { name, attributes } of descendants(test)) {
    if (name !== "itemSessionControl") continue;
    for (const [key, value] of Object.entries(attributes))
      if (value !== SESSION[key]) asked.add(`${key}="${value}"`.slice(0, 60));
  }
  if (asked.size === 0) return [];
  const rules = [...asked].slice(0, 20).join(", ");
  return [`Lost: rules for single answers (itemSessionControl ${rules}); the exam says what students see, and when.`];
}
