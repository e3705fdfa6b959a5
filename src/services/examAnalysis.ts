import { setImmediate as turn } from "node:timers/promises";
import type { QuestionResponse } from "../domain/questionType.ts";
import { questionType } from "../domain/questionTypes.ts";
import type { Treatment } from "../domain/scores.ts";
import { abilityGroups, createDistractorTable } from "../domain/statistics/distractors.ts";
import { type ItemStatistics, itemStatistics } from "../domain/statistics/itemStatistics.ts";
import { type QuestionWarning, warningsOf } from "../domain/statistics/questionWarnings.ts";
import { fitModel, type ItemParameters, type ModelFit } from "../domain/statistics/responseModel.ts";
import { type ScoreTable, totalsOf } from "../domain/statistics/scoreTable.ts";
import { type TestStatistics, testStatistics } from "../domain/statistics/testStatistics.ts";
import type { ExamAnalysis as ExamAnalysisRow } from "../generated/prisma/client.ts";
import type { attemptChoices } from "../queues/exam.queue.ts";
import type { ExamQuestion } from "./examQuestions.ts";

export type AttemptChoice = (typeof attemptChoices)[number];

export interface QuestionStatistics extends ItemStatistics {
  questionId: string;
  version: number;
  title: string | null;
  type: string;
  maxMark: number;
  responses: { optionId: string | null; text: string | null; low: number; middle: number; high: number }[] | null;
  rasch: ItemParameters | null;
  twoParameters: ItemParameters | null;
}

type ModelSummary = Pick<ModelFit, "logLikelihood" | "iterations" | "converged">;

/** What is stored of an analysis. */
export interface AnalysisResult extends Omit<TestStatistics, "items"> {
  items: QuestionStatistics[];
  rasch: ModelSummary | null;
  twoParameters: ModelSummary | null;
}

export interface ExamStatistics extends Omit<AnalysisResult, "items"> {
  items: (QuestionStatistics & { warnings: QuestionWarning[] })[];
  examId: string;
  analysedAt: string;
  isOutOfDate: boolean;
  attempts: AttemptChoice;
}

/** As {@link createExamAnalysis} gave it. */
export const resultOf = ({ result }: Pick<ExamAnalysisRow, "result">) => result as unknown as AnalysisResult;

/** With what should be looked at, which is judged when it is read: what is stored are figures. */
export const judged = (question: QuestionStatistics) => ({ ...question, warnings: warningsOf(question) });

/** One attempt as it is read: which versions its paper had, and the answers to them. */
export interface AttemptRow {
  id: string;
  versionIds: string[];
  answers: { versionId: string; points: number; response: QuestionResponse | null }[];
}

/** A question that counts for nobody, or the same for everybody, says nothing. */
const TELLS_APART: ReadonlySet<Treatment> = new Set(["NORMAL", "BONUS"]);

/** People below which a model's parameters would be noise. */
const ENOUGH_FOR = { RASCH: 100, TWO_PARAMETERS: 250 } as const;

/**
 * Takes in attempts and works out an exam's figures. They are read twice: what is counted by ability needs the totals first, and the answers
 * themselves are never held together.
 */
export function createExamAnalysis(questions: readonly ExamQuestion[], persons: number) {
  const items = questions
    .filter(
      ({ points, question, treatment }) =>
        Number(points) > 0 && !questionType(question.type).isUnmarked && TELLS_APART.has(treatment),
    )
    .map(({ points, question, treatment }) => ({
      question,
      leastMark: treatment === "BONUS" ? 0 : Number.NEGATIVE_INFINITY,
      maxMark: Number(points),
      marks: new Float64Array(persons).fill(Number.NaN),
    }));
  const placeOf = new Map(items.map(({ question }, at) => [question.versionId, at]));
  const options = items.map(({ question }) => {
    const type = questionType(question.type);
    return type.responseKind === "choice" || type.responseKind === "choices"
      ? type.studentView(question.definition).options
      : null;
  });
  const distractors = options.map((shown) => shown && createDistractorTable(shown.map(({ id }) => id)));
  const table: ScoreTable = { persons, items };
  let groupOf: ReturnType<typeof abilityGroups> | undefined;
  let totals: Float64Array;

  return {
    /** First, every attempt's marks. */
    addMarks(person: number, { versionIds, answers }: AttemptRow): void {
      for (const versionId of versionIds) {
        const at = placeOf.get(versionId);
        if (at !== undefined) items[at]!.marks[person] = 0;
      }
      for (const { versionId, points } of answers) {
        const at = placeOf.get(versionId);
        if (at !== undefined) items[at]!.marks[person] = Math.max(items[at]!.leastMark, points);
      }
    },

    /** Then what was chosen, by the totals that the marks make. */
    addChoices(person: number, { versionIds, answers }: AttemptRow): void {
      totals ??= totalsOf(table);
      groupOf ??= abilityGroups(totals);
      const group = groupOf(totals[person]!);
      const given = new Map(answers.map(({ versionId, response }) => [versionId, response]));
      for (const versionId of versionIds) {
        const counts = distractors[placeOf.get(versionId) ?? -1];
        counts?.add(group, chosen(given.get(versionId) ?? null));
      }
    },

    /** The figures; lets other work of this process have its turn in between. */
    async result(): Promise<AnalysisResult> {
      const { items: _count, ...test } = testStatistics(table);
      const ofItems = itemStatistics(table);
      const rasch = await fitted(table, "RASCH");
      const twoParameters = await fitted(table, "TWO_PARAMETERS");
      return {
        ...test,
        items: items.map(({ question, maxMark }, at) => ({
          questionId: question.id,
          version: question.version,
          title: question.title,
          type: question.type,
          maxMark,
          ...ofItems[at]!,
          responses:
            distractors[at]?.counts().map(({ response, ...counts }) => ({
              optionId: response,
              text: options[at]!.find(({ id }) => id === response)?.text ?? null,
              ...counts,
            })) ?? null,
          rasch: rasch?.items[at] ?? null,
          twoParameters: twoParameters?.items[at] ?? null,
        })),
        rasch: rasch && summary(rasch),
        twoParameters: twoParameters && summary(twoParameters),
      };
    },
  };
}

function chosen(response: QuestionResponse | null): string[] {
  if (response && "choice" in response) return [response.choice];
  return response && "choices" in response ? response.choices : [];
}

const summary = ({ logLikelihood, iterations, converged }: ModelFit): ModelSummary => ({
  logLikelihood,
  iterations,
  converged,
});

async function fitted(table: ScoreTable, model: ModelFit["model"]): Promise<ModelFit | null> {
  if (table.persons < ENOUGH_FOR[model]) return null;
  const fitting = fitModel(table, model);
  for (;;) {
    const { done, value } = fitting.next();
    if (done) return value;
    await turn();
  }
}
