import type { Pool } from "pg";
import { unavailable } from "../domain/errors.ts";
import { isOutage } from "./outage.ts";

/** One response to be stored, as JSON. */
export interface AnswerToSave {
  questionId: string;
  versionId: string;
  response: unknown;
  revision: number;
}

/** Revisions by question, as the attempt's log has them. */
export type Revisions = Readonly<Record<string, number>>;

/** What one student sent for one attempt. */
export interface SaveRequest {
  attemptId: string;
  userId: string;
  sessionId: string;
  /** Where it came from, for the log. */
  ip: string | null;
  answers: readonly AnswerToSave[];
  /** What was put aside before the database was asked, for the log. */
  aside?: { refused?: Revisions; superseded?: Revisions };
}

export type SaveVerdict =
  /** `saved[i]` is false when a response with the same or a higher revision was there. */
  | { state: "OPEN"; savedAt: Date; deadlineAt: Date; saved: boolean[] }
  | { state: "CLOSED" }
  | { state: "PAUSED" }
  /** Another log-in of the student has the attempt. */
  | { state: "TAKEN_OVER" }
  | { state: "NOT_FOUND" };

/** What one statement carried. */
export interface WrittenBatch {
  requests: number;
  answers: number;
  /** From sending the statement to its commit. */
  ms: number;
}

interface Waiting {
  request: SaveRequest;
  resolve: (verdict: SaveVerdict) => void;
  reject: (error: unknown) => void;
}

type ResultRow = [
  request: number,
  answer: number | null,
  state: SaveVerdict["state"],
  saved: boolean,
  deadline: Date,
  now: Date,
];

/**
 * Ownership, state, log-in, deadline, the upsert and the attempt's log in one statement. The share lock makes a save wait for a
 * submission and a takeover, and them for it: a save that got the lock first is committed before they go on; one that comes second
 * sees them and is refused. Rows are locked and written in a fixed order, so batches on several connections cannot wait for each
 * other in a circle. A batch has at most one request of an attempt.
 */
const SAVE = `
  WITH request AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($1::jsonb)
      AS row (request int, attempt uuid, student uuid, session uuid, address text, detail jsonb)
  ), answer AS MATERIALIZED (
    SELECT * FROM jsonb_to_recordset($2::jsonb)
      AS row (request int, answer int, question text, version uuid, response jsonb, revision int)
  ), target AS MATERIALIZED (
    SELECT attempt.id, attempt.user_id, attempt.session_id, attempt.deadline_at,
           attempt.status = 'IN_PROGRESS' AND attempt.paused_at IS NOT NULL AS paused,
           attempt.status = 'IN_PROGRESS'
             AND clock_timestamp() <= coalesce(attempt.paused_at, attempt.deadline_at) + make_interval(secs => $3) AS open
    FROM attempts attempt WHERE attempt.id IN (SELECT attempt FROM request)
    ORDER BY attempt.id
    FOR SHARE
  ), verdict AS MATERIALIZED (
    SELECT request.*, target.deadline_at,
           CASE WHEN target.user_id IS DISTINCT FROM request.student THEN 'NOT_FOUND'
                WHEN NOT target.open AND NOT target.paused THEN 'CLOSED'
                WHEN target.session_id <> request.session THEN 'TAKEN_OVER'
                WHEN target.open THEN 'OPEN'
                ELSE 'PAUSED' END AS state
    FROM request LEFT JOIN target ON target.id = request.attempt
  ), saved AS (
    INSERT INTO answers (attempt_id, question_version_id, response, revision, saved_at)
    SELECT verdict.attempt, answer.version, answer.response, answer.revision, clock_timestamp()
    FROM answer JOIN verdict USING (request)
    WHERE verdict.state = 'OPEN'
    ORDER BY verdict.attempt, answer.version
    ON CONFLICT (attempt_id, question_version_id) DO UPDATE
      SET response = excluded.response, revision = excluded.revision, saved_at = excluded.saved_at
      WHERE answers.revision < excluded.revision
    RETURNING attempt_id, question_version_id
  ), outcome AS MATERIALIZED (
    SELECT verdict.request, answer.answer, answer.question, answer.revision, verdict.state, verdict.deadline_at,
           saved.attempt_id IS NOT NULL AS saved
    FROM verdict
    LEFT JOIN answer USING (request)
    LEFT JOIN saved ON saved.attempt_id = verdict.attempt AND saved.question_version_id = answer.version
  ), late AS (
    SELECT request, array_agg(question) AS questions, jsonb_object_agg(question, revision) AS revisions
    FROM outcome WHERE state = 'OPEN' AND NOT saved AND answer IS NOT NULL GROUP BY request
  ), log AS (
    INSERT INTO attempt_events (attempt_id, kind, actor_id, session_id, address, detail)
    SELECT attempt, (CASE state WHEN 'OPEN' THEN 'SAVED' ELSE 'SAVE_REFUSED' END)::"AttemptEventKind", student, session, address,
           CASE WHEN state <> 'OPEN' THEN
                  jsonb_build_object('reason', state, 'refused', coalesce(detail -> 'refused', '{}') || coalesce(detail -> 'saved', '{}'))
                WHEN late.request IS NULL THEN detail
                ELSE detail || jsonb_build_object('saved', (detail -> 'saved') - late.questions,
                                                  'superseded', coalesce(detail -> 'superseded', '{}') || late.revisions) END
    FROM verdict LEFT JOIN late USING (request)
    WHERE state <> 'NOT_FOUND'
  )
  SELECT request, answer, state, saved, deadline_at, statement_timestamp() FROM outcome`;

const revisionsOf = (answers: readonly AnswerToSave[]): Revisions =>
  Object.fromEntries(answers.map(({ questionId, revision }) => [questionId, revision]));

export type AnswerBatches = ReturnType<typeof createAnswerBatches>;

/**
 * Group commit without a waiting window: a batch leaves as soon as a connection is free, and what arrives meanwhile rides the next.
 * A save alone on an idle server goes at once; under load one statement and one fsync carry the saves of many students.
 */
export function createAnswerBatches({
  pool,
  connections,
  graceSeconds,
  maxRows = 400,
  onBatch = () => {},
}: {
  pool: Pool;
  connections: number;
  graceSeconds: number;
  /** Most answers in one statement; a request is never split. */
  maxRows?: number;
  /** Told of every batch that was written. */
  onBatch?: (batch: WrittenBatch) => void;
}) {
  let waiting: Waiting[] = [];
  let free = connections;
  let scheduled = false;
  let served = 0;
  let closed = false;
  const inFlight = new Set<Promise<void>>();

  /** The longest run of waiting requests that fits, at most one of each attempt: a student's second save rides the next batch. */
  function nextBatch(): Waiting[] {
    const batch: Waiting[] = [];
    const left: Waiting[] = [];
    const attempts = new Set<string>();
    let rows = 0;
    for (const entry of waiting) {
      const { attemptId, answers } = entry.request;
      const fits = (rows === 0 || rows + answers.length <= maxRows) && !attempts.has(attemptId);
      if (fits) rows += answers.length;
      attempts.add(attemptId); // also when it is left: a later save of the attempt must not overtake it
      (fits ? batch : left).push(entry);
    }
    waiting = left;
    served += batch.length;
    return batch;
  }

  async function write(batch: Waiting[]): Promise<void> {
    const requests = batch.map(({ request: { attemptId, userId, sessionId, ip, answers, aside } }, request) => ({
      request,
      attempt: attemptId,
      student: userId,
      session: sessionId,
      address: ip,
      detail: { ...(answers.length > 0 && { saved: revisionsOf(answers) }), ...aside },
    }));
    const answers = batch.flatMap(({ request: { answers } }, request) =>
      answers.map(({ questionId, versionId, response, revision }, answer) => ({
        request,
        answer,
        question: questionId,
        version: versionId,
        response,
        revision,
      })),
    );
    const startedAt = performance.now();
    try {
      const result = await pool.query<ResultRow>({
        name: "save-answers",
        text: SAVE,
        values: [JSON.stringify(requests), JSON.stringify(answers), graceSeconds],
        rowMode: "array",
      });
      settle(batch, result.rows);
      onBatch({ requests: batch.length, answers: answers.length, ms: performance.now() - startedAt });
    } catch (error) {
      if (isOutage(error)) {
        const away = unavailable("The answers could not be saved now. Send them again.", 2, error);
        for (const { reject } of batch) reject(away);
      } else if (batch.length === 1) {
        batch[0]!.reject(error);
      } else {
        // One request that the database cannot take must not fail the others: halve until it is alone.
        const middle = batch.length >> 1;
        await write(batch.slice(0, middle));
        await write(batch.slice(middle));
      }
    }
  }

  function settle(batch: readonly Waiting[], rows: readonly ResultRow[]): void {
    const verdicts = new Map<number, SaveVerdict>();
    for (const [request, answer, state, saved, deadlineAt, savedAt] of rows) {
      const verdict: SaveVerdict =
        verdicts.get(request) ?? (state === "OPEN" ? { state, savedAt, deadlineAt, saved: [] } : { state });
      verdicts.set(request, verdict);
      if (verdict.state === "OPEN" && answer !== null) verdict.saved[answer] = saved;
    }
    for (const [index, { resolve }] of batch.entries()) resolve(verdicts.get(index)!);
  }

  function send(): void {
    scheduled = false;
    while (free > 0 && waiting.length > 0) {
      free -= 1;
      const done = write(nextBatch()).finally(() => {
        free += 1;
        inFlight.delete(done);
        send();
      });
      inFlight.add(done);
    }
  }

  return {
    /** Requests that wait for a batch now. */
    waiting: () => waiting.length,
    /** Requests that went into a batch since the beginning. */
    served: () => served,

    /**
     * Stores the answers; resolves when they are durable. Safe to repeat: a revision that is there is not written again.
     * @throws SERVICE_UNAVAILABLE when the database is away; nothing is known to be stored then
     */
    save(request: SaveRequest): Promise<SaveVerdict> {
      if (closed) return Promise.reject(unavailable("The server is stopping. Send the answers again.", 1));
      return new Promise((resolve, reject) => {
        waiting.push({ request, resolve, reject });
        // After the sockets that are ready now have been read: what they bring goes together, and nothing waits for a clock.
        if (!scheduled && free > 0) {
          scheduled = true;
          setImmediate(send);
        }
      });
    },

    /** Takes no more, and waits until all that was taken is written. */
    async close(): Promise<void> {
      closed = true;
      while (inFlight.size > 0 || waiting.length > 0) {
        await Promise.all(inFlight);
        if (waiting.length > 0) await new Promise((resolve) => setImmediate(resolve));
      }
    },
  };
}
