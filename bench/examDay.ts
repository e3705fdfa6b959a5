import { setTimeout as pause } from "node:timers/promises";
import pg from "pg";
import { Pool } from "undici";
import { hashSecret, verifySecret } from "../src/services/passwords.ts";
import { ownCpu } from "./cpuTime.ts";
import { checkExamDay } from "./examDayCheck.ts";
import { reportExamDay, WHOLE_ATTEMPT } from "./examDayReport.ts";
import { cpuDuring } from "./measure.ts";
import { withProfile } from "./profile.ts";
import type { Report } from "./report.ts";
import { aBenchSchool } from "./school.ts";
import { type Answer, PASSWORD, type Step, type StepName, type Student, stepsOf } from "./studentSteps.ts";
import type { World } from "./world.ts";

/** A day that takes longer than this is broken, not slow. */
const LONGEST_DAY_MS = 600_000;

export interface ExamDayOptions {
  students: number;
  /** Each student at their own pace, instead of everybody doing one thing after the other. */
  mixed: boolean;
  /** Mean pause between two things a student does; a random half more or less. Implies `mixed`. */
  thinkMs: number;
}

/**
 * Plays real students against a server and a worker: log in, open the exam, start, read the paper, for each page of 10 questions
 * save 5 answers and then all 10, submit, read the result; half the answers right. Verifies every answer and score in the database.
 */
export async function examDay(
  world: World,
  report: Report,
  { students: count, mixed, thinkMs }: ExamDayOptions,
): Promise<void> {
  const { students, exam, numbers } = await world.prepare(async (container) => {
    const school = await aBenchSchool(container, { students: count });
    // One hash for all: hashing is slow by design, and verifying costs the same whoever made the hash.
    await container.db.user.updateMany({ data: { passwordHash: await hashSecret(PASSWORD) } });
    return {
      ...school,
      students: school.students.map(
        ({ email }): Student => ({ email, token: "", attemptId: "", questionIds: [], score: null }),
      ),
    };
  });
  const bareHash = await bareHashMs();
  const [server, worker] = [await world.startServer(), await world.startWorker()];
  const http = new Pool(`http://127.0.0.1:${server.port}`, { connections: count, headersTimeout: 120_000 });
  const database = new pg.Client(world.databaseUrl);
  await database.connect();
  const clocks = {
    server: server.cpu,
    worker: worker.cpu,
    postgres: world.postgresCpu,
    redis: world.redisCpu,
    driver: ownCpu,
  };

  const ask = async (query: string, variables: object, token?: string) => {
    const { statusCode, body } = await http.request({
      path: "/graphql",
      method: "POST",
      headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query, variables }),
    });
    const answer = (await body.json()) as { data: Answer; errors?: unknown };
    if (statusCode !== 200 || answer.errors)
      throw new Error(`the server answered ${statusCode}: ${JSON.stringify(answer.errors)}`);
    return answer.data;
  };
  const { preparing, pages, submit, result } = stepsOf(ask, exam.examId, numbers);

  /** Milliseconds from when each call was to begin until its answer was there. */
  const times = new Map<StepName, number[]>();
  const runStep = async ({ name, run }: Step, student: Student, due: number) => {
    await run(student);
    const list = times.get(name) ?? [];
    times.set(name, list);
    list.push(performance.now() - due);
  };

  const perAttempt: Record<string, Record<string, number>> = {};
  const secondsOf: Record<string, number> = {};
  const addPhase = (phase: string, cpu: Record<string, number>, begun: number) => {
    secondsOf[phase] = (secondsOf[phase] ?? 0) + (performance.now() - begun) / 1000;
    perAttempt[phase] ??= {};
    const sum = perAttempt[phase];
    for (const [name, seconds] of Object.entries(cpu)) sum[name] = (sum[name] ?? 0) + (seconds * 1000) / count;
  };

  try {
    const begun = performance.now();
    if (mixed || thinkMs > 0) {
      const { cpu } = await cpuDuring(clocks, () =>
        Promise.all(
          students.map(async (student) => {
            let due = performance.now();
            for (const step of [...preparing, ...pages, submit, result]) {
              due = await dueAfter(due, thinkMs);
              await runStep(step, student, due);
            }
          }),
        ),
      );
      addPhase(WHOLE_ATTEMPT, cpu, begun);
    } else {
      /** All students do the same thing at once, and what it leads to in the outbox is done too. */
      const phase = async (step: Step) => {
        const due = performance.now();
        const { cpu } = await cpuDuring(clocks, async () => {
          await withProfile(server, `exam-day-${step.name}`, async () => {
            await Promise.all(students.map((student) => runStep(step, student, due)));
            await until(() => isHandedOver(database), 25);
          });
        });
        addPhase(step.name, cpu, due);
      };
      for (const step of [...preparing, ...pages]) await phase(step);
      worker.hold(); // so that grading can be told from handing in
      await phase(submit);
      const released = performance.now();
      const { cpu } = await cpuDuring(clocks, async () => {
        worker.release();
        await withProfile(worker, "exam-day-grading", () => until(() => isGraded(database, count), 100));
      });
      addPhase("grading", cpu, released);
      await phase(result);
    }
    const seconds = (performance.now() - begun) / 1000;
    await checkExamDay(database, students, numbers);
    reportExamDay(report, { perAttempt, secondsOf, times, seconds, count, bareHash });
  } finally {
    await http.destroy();
    await database.end();
    await server.stop();
    await worker.stop();
  }
}

/**
 * When a student's next step is due: a pause after the last one was due, whether or not that has been answered in time,
 * so that a stall of the server shows in all the steps it delays. Without pauses it is due now.
 */
async function dueAfter(due: number, thinkMs: number): Promise<number> {
  if (thinkMs === 0) return performance.now();
  const next = due + thinkMs * (0.5 + Math.random());
  await pause(Math.max(0, next - performance.now()));
  return next;
}

async function until(condition: () => Promise<boolean>, everyMs: number): Promise<void> {
  for (const deadline = Date.now() + LONGEST_DAY_MS; !(await condition()); await pause(everyMs))
    if (Date.now() > deadline) throw new Error("the exam day did not come to its end");
}

async function isHandedOver(database: pg.Client): Promise<boolean> {
  const { rowCount } = await database.query("SELECT FROM outbox_jobs WHERE published_at IS NULL LIMIT 1");
  return rowCount === 0;
}

async function isGraded(database: pg.Client, count: number): Promise<boolean> {
  const { rows } = await database.query("SELECT count(*)::int AS graded FROM attempts WHERE status = 'GRADED'");
  return rows[0].graded === count;
}

/** CPU milliseconds of checking one password, in this process: what no server can go below. */
async function bareHashMs(times = 20): Promise<number> {
  const hash = await hashSecret(PASSWORD);
  const before = ownCpu();
  for (let i = 0; i < times; i++) await verifySecret(hash, PASSWORD);
  return ((ownCpu() - before) * 1000) / times;
}
