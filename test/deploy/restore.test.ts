import { execFileSync } from "node:child_process";
import {
  chmodSync,
  chownSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import pg from "pg";
import { parse } from "yaml";
import { type PrivatePostgres, startPrivatePostgres } from "../../dev/privatePostgres.ts";
import { migrate } from "../../prisma/migrate.ts";
import { eventually } from "../support/eventually.ts";
import { anExam, aSchool } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { testRedis } from "../support/testDatabase.ts";

jest.setTimeout(300_000);
const WITHIN_MS = 60_000;
const ROOT = path.resolve(import.meta.dirname, "../..");
const RUN_BOOK = path.join(ROOT, "docs/run-books/backup-restore.md");

/** The settings of the compose file, for an archive that lies in `folder`. */
function archiveSettings(folder: string): Record<string, string> {
  const { services } = parse(readFileSync(path.join(ROOT, "deploy/compose/point-in-time.yml"), "utf8"));
  const flags = (services.postgres.command as string[]).slice(1);
  return Object.fromEntries(
    flags.map((flag) => {
      const [, name, value] = /^--(\w+)=(.*)$/s.exec(flag)!;
      return [name!, value!.replaceAll("/archive/", `${folder}/`)];
    }),
  );
}

/** The statement that the run-book gives for the time after a restore. */
const afterRestoring = /```sql\n(UPDATE outbox_jobs[^`]*)```/.exec(readFileSync(RUN_BOOK, "utf8"))![1]!;

const SAVE = `mutation ($id: ID!, $answers: [AnswerInput!]!) {
  saveAnswers(attemptId: $id, answers: $answers) { receipts { revision outcome } }
}`;
const SUBMIT = "mutation ($id: ID!) { submitAttempt(attemptId: $id) { status } }";

let folder: string;
let archive: string;
let postgres: PrivatePostgres;
const running: { stop(): Promise<void> }[] = [];
beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "lectern-restore-"));
  chmodSync(folder, 0o711); // as root, PostgreSQL runs as another user
  archive = path.join(folder, "archive");
  mkdirSync(archive);
  chmodSync(archive, 0o777);
  postgres = await startPrivatePostgres({ folder: path.join(folder, "first"), settings: archiveSettings(archive) });
  running.push(postgres);
  await migrate(postgres.url("lectern"));
});
afterAll(async () => {
  for (const { stop } of running) await stop();
  rmSync(folder, { recursive: true, force: true });
});

/** What `pg_basebackup` does, by PostgreSQL's own functions: that program does not come along with the tests' server. */
async function takeBaseBackup(client: pg.Client, to: string): Promise<void> {
  await client.query("SELECT pg_backup_start('test', true)");
  execFileSync("cp", ["-a", path.join(folder, "first/data"), to]);
  const { rows } = await client.query("SELECT labelfile FROM pg_backup_stop()"); // returns when all it needs is in the archive
  write(to, "backup_label", rows[0].labelfile);
  rmSync(path.join(to, "postmaster.pid"));
  rmSync(path.join(to, "pg_wal"), { recursive: true }); // it comes from the archive
  mkdirSync(path.join(to, "pg_wal"), { mode: 0o700 });
  chownLike(to, "pg_wal");
}

/** As root the server runs as another user, who has to own its files. */
const chownLike = (data: string, name: string) => {
  const { uid, gid } = statSync(data);
  chownSync(path.join(data, name), uid, gid);
};
const write = (data: string, name: string, text: string) => {
  writeFileSync(path.join(data, name), text);
  chownLike(data, name);
};

/** A server on the base backup, brought forward by the archive to a moment. */
async function restore(base: string, moment: string): Promise<PrivatePostgres> {
  const place = path.join(folder, "second");
  mkdirSync(place);
  execFileSync("cp", ["-a", base, path.join(place, "data")]);
  copyFileSync(path.join(folder, "first/password"), path.join(place, "password"));
  write(path.join(place, "data"), "recovery.signal", "");
  const server = await startPrivatePostgres({
    folder: place,
    settings: {
      restore_command: `cp "${archive}/%f" "%p"`,
      recovery_target_time: moment,
      recovery_target_action: "promote",
    },
  });
  running.push(server);
  return server;
}

const appOn = (server: PrivatePostgres, { worker = false } = {}): Promise<TestApp> => {
  const { url, prefix } = testRedis(); // a Redis with nothing in it
  return startTestApp({
    worker,
    env: { DATABASE_URL: server.url("lectern"), REDIS_URL: url, REDIS_PREFIX: prefix },
  });
};

it("restores the moment between two saves, and does again what was not finished then", async () => {
  const before = await appOn(postgres);
  const school = await aSchool(before.container, { students: 2 });
  const { examId, questionIds } = await anExam(before.container, school);
  const [writer, finisher] = school.students.map(({ token, actor }) => ({ token, actor }));
  const start = async (actor: (typeof school.students)[0]["actor"]) =>
    (await before.container.services.attempts.start(actor, examId)).id;
  const [written, finished] = [await start(writer!.actor), await start(finisher!.actor)];

  const client = new pg.Client(postgres.url("lectern"));
  await client.connect();
  const base = path.join(folder, "base");
  await takeBaseBackup(client, base);

  const save = async (app: TestApp, id: string, token: string, revision: number, choice: string) => {
    const answers = [{ questionId: questionIds[0], response: { choice }, revision }];
    const { data } = await app.ask(SAVE, { id, answers }, token);
    expect(data?.saveAnswers.receipts).toEqual([{ revision, outcome: "SAVED" }]);
  };
  await save(before, finished, finisher!.token, 1, "b");
  expect((await before.ask(SUBMIT, { id: finished }, finisher!.token)).data.submitAttempt.status).toBe("SUBMITTED");
  const handedOver = () =>
    before.container.db.outboxJob.findFirst({ where: { name: "gradeAttempt", publishedAt: { not: null } } });
  await eventually("the grading is handed over to Redis, where no worker takes it", handedOver, WITHIN_MS);
  await save(before, written, writer!.token, 1, "b");
  const { rows } = await client.query("SELECT clock_timestamp()::text AS moment");
  await save(before, written, writer!.token, 2, "a");
  await client.query("DELETE FROM answers"); // the mishap

  const { rows: last } = await client.query("SELECT pg_walfile_name(pg_switch_wal()) AS file");
  const { file } = last[0];
  const isKept = async () =>
    (await client.query("SELECT last_archived_wal >= $1 AS kept FROM pg_stat_archiver", [file])).rows[0].kept;
  await eventually("the archive has everything", isKept, WITHIN_MS);
  await client.end();
  await before.close();
  await postgres.kill();

  const restored = await restore(base, rows[0].moment);
  const operator = new pg.Client(restored.url("lectern"));
  await operator.connect();
  await operator.query(afterRestoring);
  await operator.end();

  const after = await appOn(restored, { worker: true });
  try {
    const { db } = after.container;
    const answers = await db.answer.findMany({ where: { attemptId: written } });
    expect(answers.map(({ revision, response }) => ({ revision, response }))).toEqual([
      { revision: 1, response: { choice: "b" } },
    ]);
    const attempt = () => db.attempt.findUniqueOrThrow({ where: { id: finished } });
    await eventually("it is graded", async () => (await attempt()).status === "GRADED", WITHIN_MS);
    expect((await attempt()).score?.toString()).toBe("1");
    await save(after, written, writer!.token, 3, "c"); // work goes on; the client's count is ahead of the restored one
  } finally {
    await after.close();
  }
});
