import { setTimeout as pause } from "node:timers/promises";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import pg from "pg";
import { interleave, type Sample, sample } from "./measure.ts";
import { withProfile } from "./profile.ts";
import type { Report } from "./report.ts";
import { aBenchSchool, type BenchSchool } from "./school.ts";
import type { Program, World } from "./world.ts";

const ROUNDS = 3;
/** Jobs of one round; less than one batch of the relay, so that its pause between two looks is not what is measured. */
const JOBS = 400;
/** The bare worker is so fast that it needs more of them to be measured. */
const BARE_JOBS = 4_000;
const LIMIT_MS = 60_000;

/**
 * Grading of attempts of 50 answers: from the outbox over BullMQ to the worker, until the scores are written and the outbox knows.
 * The limit is a bare BullMQ worker on the same Redis whose handler does nothing. Both are held until their jobs are there.
 */
export async function jobs(world: World, report: Report): Promise<void> {
  const school = await world.prepare((container) => aBenchSchool(container, { students: JOBS }));
  const worker = await world.startWorker({ core: "server" });
  const bare = await world.startBare("worker.mjs", { core: "server" });
  const database = new pg.Client(world.databaseUrl);
  await database.connect();
  const redis = new Redis(world.redisUrl, { maxRetriesPerRequest: null });
  const queue = new Queue("bare", { connection: redis, prefix: "bare" });
  let attemptsEach = 0;
  let bareDone = 0;

  const measure = (program: Program, count: number, isDone: () => Promise<boolean>): Promise<Sample> =>
    sample({ worker: program.cpu, postgres: world.postgresCpu, redis: world.redisCpu }, async () => {
      const begun = performance.now();
      program.release();
      for (const deadline = begun + LIMIT_MS; !(await isDone()); await pause(50))
        if (performance.now() > deadline) throw new Error("the jobs were not done in time");
      return { done: count, seconds: (performance.now() - begun) / 1000 };
    });

  const bareRound = async (): Promise<Sample> => {
    bare.hold();
    await queue.addBulk(Array.from({ length: BARE_JOBS }, (_, job) => ({ name: "nothing", data: { job } })));
    bareDone += BARE_JOBS;
    return measure(bare, BARE_JOBS, async () => (await queue.getCompletedCount()) >= bareDone);
  };
  const gradingRound = async (): Promise<Sample> => {
    worker.hold();
    attemptsEach += 1;
    await handIn(database, school, attemptsEach);
    return measure(worker, JOBS, () => isGraded(database, attemptsEach * JOBS));
  };

  try {
    const measured = await interleave(ROUNDS, { bare: bareRound, grading: gradingRound });
    await withProfile(worker, "jobs", gradingRound);
    await verify(database);
    report({
      benchmark: "jobs",
      what: "gradeAttempt, 50 answers",
      value: measured.grading.perSecond,
      unit: "jobs/s",
      cpu: measured.grading.cpuMicros,
      cpuUnit: "µs",
      limit: { what: "bare BullMQ worker", value: measured.bare.perSecond, cpu: measured.bare.cpuMicros },
    });
  } finally {
    await queue.close();
    redis.disconnect();
    await database.end();
    for (const program of [worker, bare]) await program.stop();
  }
}

/** Everybody's next attempt, with all 50 answers, handed in and waiting in the outbox: what 400 students leave behind at the deadline. */
async function handIn(database: pg.Client, { exam, students }: BenchSchool, number: number): Promise<void> {
  await database.query("BEGIN");
  await database.query(
    `WITH paper AS (
       SELECT jsonb_agg(jsonb_build_object('questionId', question_id, 'versionId', question_version_id, 'points', '1', 'options', '["a","b","c","d"]'::jsonb)) AS items
       FROM exam_questions WHERE exam_id = $1
     )
     INSERT INTO attempts (id, exam_id, user_id, number, seed, paper, started_at, deadline_at, max_score, status, submitted_at, submitted_by)
     SELECT gen_random_uuid(), $1, student, $3, 1, items, now(), now() + interval '1 hour', 50, 'SUBMITTED', now(), 'STUDENT'
     FROM unnest($2::uuid[]) AS student, paper`,
    [exam.examId, students.map(({ id }) => id), number],
  );
  await database.query(
    `INSERT INTO answers (attempt_id, question_version_id, response, revision, saved_at)
     SELECT attempt.id, place.question_version_id, '{"choice":"b"}', 1, now()
     FROM attempts attempt JOIN exam_questions place ON place.exam_id = attempt.exam_id
     WHERE attempt.number = $1`,
    [number],
  );
  await database.query(
    `INSERT INTO outbox_jobs (id, queue, name, payload, owner_id, run_at)
     SELECT gen_random_uuid(), 'exam', 'gradeAttempt', jsonb_build_object('attemptId', id), user_id, now()
     FROM attempts WHERE number = $1`,
    [number],
  );
  await database.query("COMMIT");
}

async function isGraded(database: pg.Client, count: number): Promise<boolean> {
  const { rows } = await database.query(
    "SELECT count(*)::int AS finished FROM outbox_jobs WHERE finished_at IS NOT NULL",
  );
  return rows[0].finished >= count;
}

/** Right is "b" in every fourth question from the first on: 13 of 50. */
async function verify(database: pg.Client): Promise<void> {
  const { rows } = await database.query("SELECT DISTINCT status, score::float8 FROM attempts");
  if (rows.length !== 1 || rows[0].status !== "GRADED" || rows[0].score !== 13)
    throw new Error(`the attempts were graded otherwise: ${JSON.stringify(rows)}`);
}
