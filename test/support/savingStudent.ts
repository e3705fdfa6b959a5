import type { Container } from "../../src/container.ts";
import type { GraphqlAnswer } from "./testApp.ts";

/** Sends a GraphQL request over HTTP as a client would. Rejects when no whole answer came back. */
export async function askAt(
  url: string,
  query: string,
  variables: Record<string, unknown>,
  token?: string,
): Promise<GraphqlAnswer> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.json()) as Pick<GraphqlAnswer, "data" | "errors">;
  return { status: response.status, headers: response.headers, ...body };
}

const SAVE = `mutation ($attemptId: ID!, $answers: [AnswerInput!]!) {
  saveAnswers(attemptId: $attemptId, answers: $answers) { receipts { questionId revision outcome } }
}`;

/** How a save ended for the student: what the server said, or that it said nothing. */
export type SaveOutcome =
  | { kind: "acknowledged" }
  | { kind: "refused"; code: unknown; status: unknown; answer: GraphqlAnswer }
  | { kind: "broken"; error: unknown };

interface Answer {
  questionId: string;
  revision: number;
  response: { text: string };
}

/** The part of a short-text question that is the same in all tests; any text is right. */
export const textQuestion = (number: number) => ({
  type: "SHORT_TEXT",
  title: `Question ${number}`,
  stem: `Say something about ${number}.`,
  stemFormat: "PLAIN",
  points: "1",
  feedback: null,
  tags: [],
  definition: { answers: [{ pattern: "*" }] },
});

export type SavingStudent = ReturnType<typeof savingStudent>;

/**
 * A student's browser: saves ever new texts, sends again what was not acknowledged, and remembers what it sent and what the
 * server acknowledged. No two texts are alike, so every stored answer tells who sent it, where and when.
 */
export function savingStudent({
  attemptId,
  questionIds,
  token,
}: {
  attemptId: string;
  questionIds: readonly string[];
  token: string;
}) {
  const sent = new Map<string, string[]>(questionIds.map((id) => [id, []]));
  const acknowledged = new Map<string, number>();
  let next = 0;
  let pending: Answer[] | null = null;

  /** A new text for the next two questions. */
  function write(): Answer[] {
    return [0, 1].map(() => {
      const questionId = questionIds[next++ % questionIds.length]!;
      const texts = sent.get(questionId)!;
      const text = `${attemptId} ${questionId} ${texts.length + 1}`;
      texts.push(text);
      return { questionId, revision: texts.length, response: { text } };
    });
  }

  return {
    attemptId,
    token,
    sent,
    acknowledged,

    /** Sends one save: what the last one left unacknowledged, else something new. */
    async save(url: string): Promise<SaveOutcome> {
      pending ??= write();
      let answer: GraphqlAnswer;
      try {
        answer = await askAt(url, SAVE, { attemptId, answers: pending }, token);
      } catch (error) {
        return { kind: "broken", error };
      }
      const receipts = answer.data?.saveAnswers?.receipts as (Answer & { outcome: string })[] | undefined;
      if (!receipts) {
        const { code, status } = answer.errors?.[0]?.extensions ?? {};
        return { kind: "refused", code, status, answer };
      }
      for (const { questionId, revision, outcome } of receipts) {
        if (outcome === "REFUSED") throw new Error(`a good answer was refused: ${JSON.stringify(receipts)}`);
        acknowledged.set(questionId, Math.max(revision, acknowledged.get(questionId) ?? 0));
      }
      pending = null;
      return { kind: "acknowledged" };
    },
  };
}

/**
 * Compares the students' memories with the database: every acknowledged answer with at least its newest acknowledged
 * revision, and none that its student did not send. Gives what is wrong in words, so that a test expects `[]`.
 */
export async function wrongAnswers(
  { db }: Pick<Container, "db">,
  students: readonly Pick<SavingStudent, "attemptId" | "sent" | "acknowledged">[],
): Promise<string[]> {
  // Noted before the database is asked: the students may go on saving meanwhile.
  const known = students.map(({ acknowledged }) => new Map(acknowledged));
  const rows = await db.answer.findMany({
    where: { attempt: { id: { in: students.map(({ attemptId }) => attemptId) } } },
    select: { attemptId: true, revision: true, response: true, questionVersion: { select: { questionId: true } } },
  });
  const stored = new Map(rows.map((row) => [`${row.attemptId} ${row.questionVersion.questionId}`, row]));
  return students.flatMap(({ attemptId, sent }, at) =>
    [...sent].flatMap(([questionId, texts]) => {
      const place = `${attemptId} ${questionId}`;
      const row = stored.get(place);
      const newest = known[at]!.get(questionId) ?? 0;
      if (!row) return newest > 0 ? [`${place}: revision ${newest} was acknowledged and is lost`] : [];
      if (row.revision < newest)
        return [`${place}: revision ${newest} was acknowledged, but ${row.revision} is stored`];
      const { text } = row.response as { text: string };
      return text === texts[row.revision - 1] ? [] : [`${place}: nobody sent revision ${row.revision} as "${text}"`];
    }),
  );
}
