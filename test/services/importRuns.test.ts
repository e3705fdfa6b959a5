import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { createAccess } from "../../src/services/access.ts";
import { createImportRuns } from "../../src/services/importRuns.ts";
import { aSchool, type Person, somePeople } from "../support/school.ts";
import { statementsOf } from "../support/statements.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let admin: Person;
beforeAll(async () => {
  app = await startTestApp();
  [admin] = (await somePeople(app.container, 1, "ADMIN")) as [Person];
});
afterAll(() => app.close());

const csv = (...rows: string[]) => `${rows.join("\n")}\n`;
/** Addresses that no other test has. */
const anAddress = (name: string) => `${name}-${uuidv7().slice(-12)}@school.example`;
const db = () => app.container.db;
const look = (id: string) => app.container.services.imports.get(admin.actor, id);
/** How many accounts the people of these rows have, and how many invitations. */
async function madeFor(rows: readonly string[]) {
  const where = { email: { in: rows.map((row) => row.split(",")[0]!) } };
  const ids = (await db().user.findMany({ where, select: { id: true } })).map(({ id }) => id);
  const [invited] = await db().$queryRaw<{ count: number }[]>`
    SELECT count(*)::int AS count FROM outbox_jobs
    WHERE payload ->> 'template' = 'invitation' AND payload ->> 'userId' = ANY(${ids}::text[])`;
  return { accounts: ids.length, invitations: invited!.count };
}
const job = { progress: async () => {}, signal: new AbortController().signal };
const many = (count: number) => Array.from({ length: count }, (_, at) => `${anAddress(`p${at}`)},Person ${at}`);
/** An import that no worker has been told of. */
async function anImport(rows: string[], { courseId, by = admin }: { courseId?: string; by?: Person } = {}) {
  return db().userImport.create({
    data: {
      id: uuidv7(),
      actorId: by.id,
      courseId,
      jobId: uuidv7(),
      csv: csv("email,name", ...rows),
      totalRows: rows.length,
    },
  });
}

describe("importRuns.run", () => {
  it("takes each row in once when two workers have the same import", async () => {
    const rows = many(1_200);
    const { id } = await anImport(rows);
    const { importRuns } = app.container.services;
    await Promise.all([importRuns.run(id, job), importRuns.run(id, job), importRuns.run(id, job)]);
    expect(await look(id)).toMatchObject({ doneRows: 1_200, accepted: 1_200 });
    expect(await db().userImportRow.count({ where: { importId: id } })).toBe(1_200);
    expect(await madeFor(rows)).toEqual({ accounts: 1_200, invitations: 1_200 });
    const told = await db().outboxJob.count({
      where: { payload: { path: ["importId"], equals: id }, queue: "email" },
    });
    expect(told).toBe(1);
  });

  it("makes each account once when two files hold the same people", async () => {
    const rows = many(700);
    const [one, two] = [await anImport(rows), await anImport([...rows].reverse())];
    const { importRuns } = app.container.services;
    await Promise.all([importRuns.run(one.id, job), importRuns.run(two.id, job)]);
    const seen = [await look(one.id), await look(two.id)];
    expect(seen.reduce((sum, { accepted }) => sum + accepted, 0)).toBe(700);
    expect(seen.reduce((sum, { unchanged }) => sum + unchanged, 0)).toBe(700);
    expect(await madeFor(rows)).toEqual({ accounts: 700, invitations: 700 });
    for (const { finishedAt } of seen) expect(finishedAt).not.toBeNull();
  });

  it("goes on where a run was cut short, and does every row once", async () => {
    const rows = many(1_700);
    const { id } = await anImport(rows);
    const { importRuns } = app.container.services;
    const stop = new AbortController();
    const cut = importRuns.run(id, {
      signal: stop.signal,
      progress: async (percent) => (percent > 40 ? stop.abort(new Error("the process stops")) : undefined),
    });
    await expect(cut).rejects.toThrow("the process stops");
    expect(await look(id)).toMatchObject({ doneRows: 1_000, finishedAt: null });
    const percents: number[] = [];
    await importRuns.run(id, { ...job, progress: async (percent) => void percents.push(Math.round(percent)) });
    expect(percents).toEqual([88, 100]);
    expect(await look(id)).toMatchObject({
      doneRows: 1_700,
      accepted: 1_700,
      refused: 0,
      finishedAt: expect.any(String),
    });
    expect(await madeFor(rows)).toEqual({ accounts: 1_700, invitations: 1_700 });
    await importRuns.run(id, job); // a third delivery finds nothing to do
    expect(await look(id)).toMatchObject({ doneRows: 1_700 });
  });

  it("drops what a run that died after its commit did not come to drop", async () => {
    const [person] = (await somePeople(app.container, 1)) as [Person];
    const { id } = await anImport([`${person.email},Renamed`, ...many(600)]);
    const name = async () => (await app.ask("{ me { name } }", {}, person.token)).data.me.name;
    await name(); // from now on it is cached
    const { db, outbox, cache, clock } = app.container;
    const access = createAccess({ db, cache });
    const dying = { ...cache, drop: () => Promise.reject(new Error("the process is gone")) };
    const before = createImportRuns({ db, cache: dying, access, outbox, clock, newId: uuidv7 });
    await expect(before.run(id, job)).rejects.toThrow("the process is gone");
    expect(await name()).not.toBe("Renamed");
    await app.container.services.importRuns.run(id, job);
    expect(await name()).toBe("Renamed");
  });

  it.each([
    ["is no administrator any more", { role: "STUDENT" as const }],
    ["has no open account any more", { disabledAt: new Date() }],
  ])("brings nobody in when whoever asked for it %s", async (_what, change) => {
    const [gone] = (await somePeople(app.container, 1, "ADMIN")) as [Person];
    const rows = many(2);
    const { id } = await anImport(rows, { by: gone });
    await db().user.update({ where: { id: gone.id }, data: change });
    await expect(app.container.services.importRuns.run(id, job)).rejects.toMatchObject({ code: "FORBIDDEN" });
    expect(await madeFor(rows)).toEqual({ accounts: 0, invitations: 0 });
    expect(await look(id)).toMatchObject({ doneRows: 0, finishedAt: null });
  });

  it("brings nobody in when a teacher has left the course meanwhile", async () => {
    const school = await aSchool(app.container);
    const rows = many(2);
    const { id } = await anImport(rows, { by: school.teacher, courseId: school.courseId });
    await app.container.services.courses.withdraw(admin.actor, school.courseId, school.teacher.id);
    await expect(app.container.services.importRuns.run(id, job)).rejects.toMatchObject({ code: "NOT_FOUND" });
    expect(await madeFor(rows)).toEqual({ accounts: 0, invitations: 0 });
  });

  it("has nothing to do for an import that is gone", async () => {
    await app.container.services.importRuns.run(uuidv7(), job);
  });

  it("takes a fixed number of statements for a chunk, however many rows it has", async () => {
    const school = await aSchool(app.container);
    const { importRuns } = app.container.services;
    const statements = async (rows: string[]) => {
      const { id } = await anImport(rows, { courseId: school.courseId });
      return (await statementsOf(app, () => importRuns.run(id, job))).filter(
        (text) => !/published_at|^(BEGIN|COMMIT)/.test(text), // those of the hand-over, which comes when it comes
      );
    };
    const [few, more] = [await statements(many(5)), await statements(many(500))];
    expect(more).toHaveLength(few.length);
    expect(few.length).toBeLessThanOrEqual(24);
  });

  it("takes in 5,000 people, and prints how long that took", async () => {
    const { id } = await anImport(many(5_000));
    const began = performance.now();
    await app.container.services.importRuns.run(id, job);
    const seconds = (performance.now() - began) / 1000;
    console.log(
      `5,000 people in ${seconds.toFixed(1)} s, ${Math.round(process.memoryUsage().rss / 2 ** 20)} MB in all`,
    );
    expect(await look(id)).toMatchObject({ accepted: 5_000, doneRows: 5_000 });
  });
});
