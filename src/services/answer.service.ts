import { badInput, DomainError, notFound, unprocessable } from "../domain/errors.ts";
import { parseResponse } from "../domain/questionTypes.ts";
import type { Actor } from "./actor.ts";
import type { AnswerBatches, AnswerToSave, Revisions } from "./answerBatches.ts";
import type { AnswerFileService } from "./answerFile.service.ts";
import type { ExamAddresses } from "./examAddresses.ts";
import { isUuid, requireId } from "./ids.ts";
import type { PaperEntry, Papers } from "./papers.ts";

/** A response as the client sends it, null to take an answer back; `revision` is the client's own counter. */
export interface AnswerInput {
  questionId: string;
  response?: unknown;
  revision: number;
}

export interface AnswerReceipt {
  questionId: string;
  revision: number;
  outcome: "SAVED" | "SUPERSEDED" | "REFUSED";
  message: string | null;
}

export interface SaveAnswersPayload {
  attemptId: string;
  savedAt: string;
  deadlineAt: string;
  receipts: AnswerReceipt[];
}

const MAX_ANSWERS = 200;

export type AnswerService = ReturnType<typeof createAnswerService>;

export function createAnswerService({
  papers,
  addresses,
  batches,
  answerFiles,
}: {
  papers: Papers;
  addresses: ExamAddresses;
  batches: AnswerBatches;
  answerFiles: Pick<AnswerFileService, "arrived">;
}) {
  return {
    /**
     * Saves responses; resolves when they are durable in PostgreSQL. Safe to repeat: only a higher revision replaces what is stored.
     * A response its question cannot take is refused in its receipt and does not stop the others.
     * @throws NOT_FOUND, BAD_USER_INPUT, UNPROCESSABLE (ADDRESS_NOT_ALLOWED, ATTEMPT_TAKEN_OVER, ATTEMPT_CLOSED, ATTEMPT_PAUSED), SERVICE_UNAVAILABLE
     */
    async save(actor: Actor, attemptIdGiven: string, answers: readonly AnswerInput[]): Promise<SaveAnswersPayload> {
      if (answers.length === 0 || answers.length > MAX_ANSWERS)
        throw badInput(`Send 1 to ${MAX_ANSWERS} answers.`, [
          { path: "answers", message: `has 1 to ${MAX_ANSWERS} entries` },
        ]);
      const attemptId = requireId(attemptIdGiven, "attempt");
      const paper = await papers.stored(attemptId, actor.reads);
      if (paper?.userId !== actor.userId) throw notFound("attempt");
      await addresses.requireAllowed(actor, paper.examId, attemptId);
      const entries = await papers.entries(paper, actor.reads);

      const newest = new Map<string, number>();
      for (const { questionId, revision } of answers)
        if (revision > (newest.get(questionId) ?? 0)) newest.set(questionId, revision);

      const fileIds = answers.flatMap(({ response }) => filesIn(response));
      const arrived = fileIds.length > 0 ? await answerFiles.arrived(attemptId, fileIds) : undefined;

      const toSave: AnswerToSave[] = [];
      const places: number[] = [];
      const aside: { refused?: Revisions; superseded?: Revisions } = {};
      const receipts = answers.map(({ questionId, response, revision }, place): AnswerReceipt => {
        const entry = entries.get(questionId);
        const refusal = check(entry, response, revision, arrived);
        if (typeof refusal === "string") {
          if (entry) aside.refused = { ...aside.refused, [questionId]: revision };
          return { questionId, revision, outcome: "REFUSED", message: refusal };
        }
        if (newest.get(questionId) !== revision) {
          aside.superseded = { ...aside.superseded, [questionId]: revision };
          return { questionId, revision, outcome: "SUPERSEDED", message: null };
        }
        newest.delete(questionId); // of two alike in one request the second is superseded
        toSave.push({ ...refusal, questionId, revision });
        places.push(place);
        return { questionId, revision, outcome: "SAVED", message: null };
      });

      const { userId, sessionId, ip } = actor;
      const verdict = await batches.save({ attemptId, userId, sessionId, ip, answers: toSave, aside });
      if (verdict.state === "NOT_FOUND") throw notFound("attempt");
      if (verdict.state === "TAKEN_OVER")
        throw unprocessable(
          "ATTEMPT_TAKEN_OVER",
          "This attempt goes on in another log-in; the answers were not saved. Call startAttempt to go on here.",
        );
      if (verdict.state === "PAUSED")
        throw unprocessable("ATTEMPT_PAUSED", "The exam is paused. Send the answers when it goes on.");
      if (verdict.state === "CLOSED")
        throw unprocessable(
          "ATTEMPT_CLOSED",
          "This attempt was handed in or its time is up; the answers were not saved.",
        );
      places.forEach((place, index) => {
        if (!verdict.saved[index]) receipts[place] = { ...receipts[place]!, outcome: "SUPERSEDED" };
      });
      return {
        attemptId,
        savedAt: verdict.savedAt.toISOString(),
        deadlineAt: verdict.deadlineAt.toISOString(),
        receipts,
      };
    },
  };
}

/** The ids of files that a response names, in the spelling of the database. */
function filesIn(response: unknown): string[] {
  const files = (response as { files?: unknown } | null | undefined)?.files;
  return Array.isArray(files)
    ? files.filter((id) => typeof id === "string" && isUuid(id)).map((id) => id.toLowerCase())
    : [];
}

/** What is to be stored, or the reason why not in words. */
function check(
  entry: PaperEntry | undefined,
  response: unknown,
  revision: number,
  arrived: ReadonlyMap<string, string> = new Map(),
): Pick<AnswerToSave, "versionId" | "response"> | string {
  if (!entry) return "This question is not on the paper.";
  if (revision < 1) return "The revision must be 1 or more.";
  try {
    const { versionId } = entry.item;
    if (response == null) return { versionId, response: null };
    const parsed = parseResponse(entry.question.type, entry.question.definition, response);
    if (filesIn(parsed).some((fileId) => arrived.get(fileId) !== versionId))
      return "A file of this answer has not arrived for this question. Upload it first.";
    return { versionId, response: parsed };
  } catch (error) {
    if (error instanceof DomainError) return error.message;
    throw error;
  }
}
