import type { QuestionTypeName } from "../../questionTypes.ts";
import { QuestionProblem } from "../fileProblem.ts";
import type { BodyText } from "./bodyText.ts";
import type { Responses } from "./responseProcessing/processResponses.ts";
import type { Scorer } from "./scorer.ts";
import type { XmlNode } from "./xmlTree.ts";

/** What the readers of interactions make. */
export interface ReadDefinition {
  type: QuestionTypeName;
  points: string;
  definition: unknown;
  /** Where the text of the body is no stem. */
  stem?: string;
}

/** What the readers of interactions share. */
export interface ReadContext {
  scorer: Scorer;
  body: BodyText;
  /** What is not as it stood in the item, a sentence each. */
  changed: string[];
  /** @throws QuestionProblem if no response earns or costs something, which it never does here */
  requireNothingForNothing(): void;
  /** What is shown for each of the responses and neither for every response nor after `beyond`. */
  feedbackFor(responses: readonly Responses[], beyond?: Responses): (string | undefined)[];
  /** Modal feedback that `feedbackFor` has given out. */
  used: Set<XmlNode>;
}

export function readContext(
  scorer: Scorer,
  body: BodyText,
  general: readonly XmlNode[],
  changed: string[],
  byScore: readonly XmlNode[],
): ReadContext {
  const used = new Set(general);
  return {
    scorer,
    body,
    changed,
    used,
    requireNothingForNothing() {
      const score = scorer.score({});
      if (!score.isZero())
        throw new QuestionProblem(`An empty response earns ${score} points, which is not possible here.`);
    },
    feedbackFor: (responses, beyond) => {
      const others = [...general, ...byScore, ...(beyond ? scorer.feedback(beyond) : [])];
      return responses.map((response) => {
        const shown = scorer.feedback(response).filter((node) => !others.includes(node));
        for (const node of shown) used.add(node);
        return (
          shown
            .map(({ children }) => body.text(children))
            .filter((text) => text.trim() !== "")
            .join("\n") || undefined
        );
      });
    },
  };
}

/** 0 and nothing are no limit; `preset` is what counts where the attribute is missing. */
export function maximumIn({ attributes }: XmlNode, name: string, preset: number): number {
  const given = Number(attributes[name] ?? preset);
  return given === 0 ? Number.POSITIVE_INFINITY : given;
}

/** Whether an option keeps its place, because it is fixed or nothing is shuffled. */
export const isFixed = (interaction: XmlNode, choice: XmlNode) =>
  choice.attributes.fixed === "true" || interaction.attributes.shuffle !== "true";
