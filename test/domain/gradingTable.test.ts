import { expect, it } from "@jest/globals";
import type { QuestionResponse } from "../../src/domain/questionType.ts";
import { parseDefinition, parseResponse, questionType } from "../../src/domain/questionTypes.ts";
import { describeWithSharedData, readShared } from "./sharedData.ts";

interface Group {
  id: string;
  definition: {
    type: string;
    correct?: boolean;
    stems?: Record<string, string>;
    choices?: string[];
    caseSensitive?: boolean;
    answers?: { id?: string; value?: string | number; tolerance?: number; pattern?: string; fraction: number }[];
  };
  cases: { response: unknown; fraction: number }[];
}

type Question = { type: string; definition: unknown; response(given: unknown): QuestionResponse };

/** The table's terms in ours; null for a type that is not delivered. */
function toQuestion({ type, answers, stems, choices, ...definition }: Group["definition"]): Question | null {
  switch (type) {
    case "truefalse":
      return { type: "TRUE_FALSE", definition, response: (given) => ({ choice: String(given) }) };
    case "multichoice": {
      const options = answers?.map(({ id, fraction }) => ({ id, text: id, fraction }));
      return { type: "SINGLE_CHOICE", definition: { options }, response: (given) => ({ choice: String(given) }) };
    }
    case "shortanswer":
      return {
        type: "SHORT_TEXT",
        definition: { ...definition, answers },
        response: (given) => ({ text: String(given) }),
      };
    case "numerical": {
      const numbers = answers?.map(({ value, tolerance, fraction }) =>
        value === "*" ? { any: true, fraction } : { value, tolerance, fraction },
      );
      return { type: "NUMERIC", definition: { answers: numbers }, response: (given) => ({ number: String(given) }) };
    }
    case "match": {
      const options = choices!.map((text) => ({ id: text, text }));
      const prompts = Object.entries(stems!).map(([text, match]) => ({ id: text, text, match }));
      const response = (given: unknown) => ({
        pairs: Object.entries(given as Record<string, string | null>).flatMap(([prompt, option]) =>
          option ? [{ prompt, option }] : [],
        ),
      });
      return { type: "MATCHING", definition: { options, prompts }, response };
    }
    default:
      return null;
  }
}

describeWithSharedData("the grading table", () => {
  const { groups } = JSON.parse(readShared("grading/cases.json")) as { groups: Group[] };

  it("has no group of a type that is not delivered", () => {
    expect(groups.filter(({ definition }) => toQuestion(definition) === null)).toEqual([]);
  });

  const rows = groups.flatMap(({ id, definition, cases }) => {
    const question = toQuestion(definition);
    return question ? cases.map(({ response, fraction }) => ({ id, question, response, fraction })) : [];
  });

  it.each(rows)("$id: $response gives $fraction", ({ question, response, fraction }) => {
    const definition = parseDefinition(question.type, question.definition);
    const parsed = parseResponse(question.type, definition, question.response(response));
    const grade = questionType(question.type).grade(definition, parsed);
    if (grade.kind !== "graded") throw new Error("nothing here needs a human");
    expect(grade.fraction.toNumber()).toBeCloseTo(fraction, 6);
  });
});
