import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { eventually } from "../support/eventually.ts";
import { holdRows } from "../support/heldRows.ts";
import { openSite, type Site } from "../support/processes.ts";
import { type Person, somePeople } from "../support/school.ts";

const PEOPLE = 2_000;
/** In the third of four chunks. */
const STUCK_AT = 1_300;

/** Generous: several servers start here, and the machine may be busy. */
jest.setTimeout(180_000);

let site: Site;
beforeAll(async () => {
  site = await openSite();
});
afterAll(() => site.close());

describe("kill -9 of the worker in the middle of an import", () => {
  it("brings everybody in once, and invites them once", async () => {
    const { container, databaseUrl } = site;
    const { db, services } = container;
    const [admin] = (await somePeople(container, 1, "ADMIN")) as [Person];
    const [known] = (await somePeople(container, 1)) as [Person];
    const addresses = Array.from({ length: PEOPLE }, (_, at) => `p${at}-${uuidv7().slice(-12)}@school.example`);
    addresses[STUCK_AT] = known.email;
    const csv = `email,name\n${addresses.map((address, at) => `${address},Person ${at}`).join("\n")}`;
    const { import: asked } = await services.imports.request(admin.actor, { csv });
    const look = () => services.imports.get(admin.actor, asked.id);

    // Somebody's account is held fast: two chunks are done, and the worker dies with the third half written.
    const held = await holdRows(databaseUrl, "SELECT 1 FROM users WHERE id = $1 FOR UPDATE", [known.id]);
    const worker = await site.start("worker");
    await eventually("two chunks are done, and the third waits", async () => (await held.waiting()) > 0, 60_000);
    expect(await look()).toMatchObject({ doneRows: 1_000, finishedAt: null });
    await worker.kill();
    await held.endWaiting(); // PostgreSQL would finish the statement of the dead; this is a death a moment earlier
    await held.letGo();
    expect(await look()).toMatchObject({ doneRows: 1_000, finishedAt: null });

    await site.start("worker", worker);
    const done = await eventually(
      "the import is finished",
      async () => {
        const found = await look();
        return found.finishedAt && found;
      },
      90_000,
    );
    expect(done).toMatchObject({ doneRows: PEOPLE, accepted: PEOPLE - 1, updated: 1, unchanged: 0, refused: 0 });
    const lines = await db.userImportRow.findMany({ where: { importId: asked.id }, orderBy: { line: "asc" } });
    expect(lines.map(({ email }) => email)).toEqual(addresses);
    const people = await db.user.findMany({ where: { email: { in: addresses } }, select: { id: true } });
    expect(people).toHaveLength(PEOPLE);
    const mails = await db.$queryRaw<{ template: string; mails: number; people: number }[]>`
      SELECT payload ->> 'template' AS template, count(*)::int AS mails, count(DISTINCT payload ->> 'userId')::int AS people
      FROM outbox_jobs WHERE queue = 'email' AND name = 'sendTemplate' GROUP BY 1 ORDER BY 1`;
    expect(mails).toEqual([
      { template: "importFinished", mails: 1, people: 1 },
      { template: "invitation", mails: PEOPLE - 1, people: PEOPLE - 1 },
    ]);
  });
});
