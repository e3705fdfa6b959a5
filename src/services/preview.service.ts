import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { badInput, notFound } from "../domain/errors.ts";
import { gradePaper } from "../domain/grading.ts";
import { parseDefinition, parseResponse, questionType } from "../domain/questionTypes.ts";
import type { Access } from "./access.ts";
import type { Actor } from "./actor.ts";
import type { ExamQuestions, ExamSection } from "./examQuestions.ts";
import { requireId } from "./ids.ts";
import { parseInput } from "./input.ts";
import { drawItems, type Paper, type PaperQuestion, placed, shownPaper } from "./papers.ts";
import { type QuestionService, toQuestion } from "./question.service.ts";
import { newQuestion } from "./questionInput.ts";
import { withSafeTexts } from "./safeTexts.ts";

/** What a response would be given. */
export interface TriedResponse {
  points: string | null;
  maxPoints: string;
  feedback: string | null;
  generalFeedback: string | null;
}

const seed = z.number().int().nullish();
/** A question of the bank, or one as it is being written. */
const questionToShow = z.object({
  saved: z.object({ id: z.string(), version: z.number().int().nullish() }).optional(),
  unsaved: newQuestion.optional(),
});

export type PreviewService = ReturnType<typeof createPreviewService>;

/** What students would see and be given, for staff. It only reads: no try leaves a trace, least of all in the statistics. */
export function createPreviewService({
  db,
  access,
  questions,
  examQuestions,
  newId,
}: {
  db: Db;
  access: Access;
  questions: QuestionService;
  examQuestions: ExamQuestions;
  newId: () => string;
}) {
  /** As the only question of an exam. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
  async function examWith(actor: Actor, given: unknown): Promise<ExamSection> {
    const { saved, unsaved } = parseInput(questionToShow, given, { path: "question" });
    if (!saved && !unsaved)
      throw badInput("Name a question, or give one.", [{ path: "question", message: "is empty" }]);
    const question = unsaved ? unsavedQuestion(unsaved) : await questions.get(actor, saved!.id, saved!.version);
    const noDraw = { drawTag: null, drawFolderId: null, drawDifficulty: null, drawCount: null };
    const asItIs = { treatment: "NORMAL", gradingVersion: null } as const;
    const place = { position: 0, points: question.points, question, ...asItIs };
    return { id: newId(), title: "", ...noDraw, floor: null, questions: [place] };
  }

  function unsavedQuestion({ type, tags, folderId = null, difficulty = null, ...given }: z.output<typeof newQuestion>) {
    const definition = parseDefinition(type, given.definition);
    const points = questionType(type).isUnmarked ? "0" : given.points;
    const { written } = withSafeTexts({ ...given, type, definition });
    const { title = null, feedback = null, outcomeFeedback: _stored, ...content } = written;
    return toQuestion(
      { id: newId(), courseId: newId(), tags, folderId, difficulty, archivedAt: null },
      { ...content, title, feedback, id: newId(), outcomeFeedback: given.outcomeFeedback ?? null, number: 1, points },
    );
  }

  return {
    /**
     * A question as a student would see it, with a seed shuffled as in an exam that shuffles.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT
     */
    async question(actor: Actor, given: unknown, seedGiven?: number | null): Promise<PaperQuestion> {
      const chosen = parseInput(seed, seedGiven, { path: "seed" });
      const sections = [await examWith(actor, given)];
      const rules = { shuffleQuestions: false, shuffleOptions: chosen != null, seed: chosen ?? 0 };
      return shownPaper(placed(drawItems(sections, rules), sections)).questions[0]!;
    },

    /** Grades a response by the key, as an exam would. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT for a response the question cannot take */
    async try(actor: Actor, given: unknown, responseGiven: unknown): Promise<TriedResponse> {
      const { questions: places } = await examWith(actor, given);
      const { question } = places[0]!;
      const response = responseGiven == null ? null : parseResponse(question.type, question.definition, responseGiven);
      const asPaper = { floor: null, sections: [{ floor: null, questions: [question] }] };
      const [grade] = gradePaper(asPaper, new Map([[question.versionId, response]])).questions;
      return {
        points: grade!.points?.toFixed() ?? null,
        maxPoints: grade!.maxPoints.toFixed(),
        feedback: grade!.feedback,
        generalFeedback: question.feedback,
      };
    },

    /**
     * The paper that an exam draws from a seed: of a draft as if it were published now. The same seed gives the same paper.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (POOL_TOO_SMALL)
     */
    async exam(actor: Actor, examIdGiven: string, seedGiven?: number | null): Promise<Paper> {
      const chosen = parseInput(seed, seedGiven, { path: "seed" }) ?? 0;
      const exam = await db.exam.findUnique({
        where: { id: requireId(examIdGiven, "exam") },
        select: { id: true, courseId: true, status: true, shuffleQuestions: true, shuffleOptions: true },
      });
      if (!exam) throw notFound("exam");
      await access.requireStaff(db, actor, exam.courseId, "exam");
      const isDraft = exam.status === "DRAFT";
      const sections = await (isDraft
        ? examQuestions.withPools(exam.id)
        : examQuestions.sections(exam.id, actor.reads));
      return shownPaper(placed(drawItems(sections, { ...exam, seed: chosen }), sections));
    },
  };
}
