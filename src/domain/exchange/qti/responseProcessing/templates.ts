import { QuestionProblem } from "../../fileProblem.ts";
import { elementsOf, parseXml, type XmlNode } from "../xmlTree.ts";

const setScore = (expression: string) => `<setOutcomeValue identifier="SCORE">${expression}</setOutcomeValue>`;
const number = (value: number) => `<baseValue baseType="float">${value}</baseValue>`;
const mapped = (operator: string) =>
  `<responseProcessing><responseCondition><responseIf><isNull><variable identifier="RESPONSE"/></isNull>${setScore(number(0))}
  </responseIf><responseElse>${setScore(`<${operator} identifier="RESPONSE"/>`)}</responseElse></responseCondition></responseProcessing>`;

/** The standard templates of response processing, as the specification spells them out. */
const TEMPLATES: Record<string, XmlNode> = {
  match_correct: parseXml(
    `<responseProcessing><responseCondition><responseIf><match><variable identifier="RESPONSE"/><correct identifier="RESPONSE"/></match>
    ${setScore(number(1))}</responseIf><responseElse>${setScore(number(0))}</responseElse></responseCondition></responseProcessing>`,
  ),
  map_response: parseXml(mapped("mapResponse")),
  map_response_point: parseXml(mapped("mapResponsePoint")),
};

/** The rules of a template by its address, whatever the version of QTI. @throws QuestionProblem for others */
export function templateRules(address: string): XmlNode[] {
  const name = address.replace(/^.*\//, "").replace(/\.xml$/, "");
  const template = Object.hasOwn(TEMPLATES, name) ? TEMPLATES[name] : undefined;
  if (!template)
    throw new QuestionProblem(`The template of response processing ${address.slice(0, 200)} is not known.`);
  return elementsOf(template);
}

export const matchCorrectRules = () => templateRules("match_correct");
