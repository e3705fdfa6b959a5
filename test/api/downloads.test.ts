import { randomBytes } from "node:crypto";
import { request } from "node:http";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { parse } from "csv-parse/sync";
import { uuidv7 } from "uuidv7";
import { aKeptLog } from "../support/logLines.ts";
import { type Person, somePeople } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { nothingsId } from "../support/world.ts";

const kept = aKeptLog();
let app: TestApp;
let admin: Person;
beforeAll(async () => {
  app = await startTestApp({ log: kept.log });
  [admin] = (await somePeople(app.container, 1, "ADMIN")) as [Person];
});
afterAll(() => app.close());

const HOUR_MS = 3_600_000;
const inAnHour = () => new Date(Date.now() + HOUR_MS);
/** A link to a path of this server, as the browser follows it: to the server of this test. */
function link(path: string, expiresAt = inAnHour()): string {
  const { pathname, search } = new URL(app.container.links.url(path, expiresAt));
  return `${app.url}${pathname}${search}`;
}
type Row = { line: number; email: string | null; outcome: "ACCEPTED" | "REFUSED"; reason: string | null };

async function anImport(rows: Row[], { isFinished = true } = {}): Promise<string> {
  const { id } = await app.container.db.userImport.create({
    data: {
      id: uuidv7(),
      actorId: admin.id,
      jobId: uuidv7(),
      totalRows: rows.length,
      finishedAt: isFinished ? new Date() : null,
      rows: { createMany: { data: rows } },
    },
  });
  return id;
}
const refusal = async (url: string) => {
  const answer = await fetch(url);
  const { errors } = (await answer.json()) as { errors: { extensions: { code: string; reason?: string } }[] };
  return { status: answer.status, code: errors[0]!.extensions.code, reason: errors[0]!.extensions.reason };
};

describe("the report of an import", () => {
  it("is a CSV file behind a link that its asker is given, for an hour and without a log-in", async () => {
    const id = await anImport([
      { line: 2, email: "ada@school.example", outcome: "ACCEPTED", reason: null },
      { line: 5, email: null, outcome: "REFUSED", reason: 'email: is none; "name": is empty' },
    ]);
    const { data } = await app.ask("query ($id: ID!) { userImport(id: $id) { reportUrl } }", { id }, admin.token);
    const url = new URL(data.userImport.reportUrl);
    expect(url.origin).toBe("https://api.school.example");
    const expiresIn = Number(url.searchParams.get("expires")) * 1000 - Date.now();
    expect(expiresIn).toBeGreaterThan(HOUR_MS - 60_000);
    expect(expiresIn).toBeLessThanOrEqual(HOUR_MS);

    const answer = await fetch(`${app.url}${url.pathname}${url.search}`);
    expect(answer.status).toBe(200);
    expect(Object.fromEntries(answer.headers)).toMatchObject({
      "content-type": "text/csv; charset=utf-8",
      "content-disposition": `attachment; filename="import-${id}.csv"`,
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
    });
    expect(await answer.text()).toBe(
      [
        "line,email,outcome,reason",
        "2,ada@school.example,ACCEPTED,",
        '5,,REFUSED,"email: is none; ""name"": is empty"',
        "",
      ].join("\n"),
    );
  });

  it("runs no formula in the spreadsheet that opens it", async () => {
    const emails = ["=1+1@school.example", "+1@x.example", "-1@x.example", "@sum", "＝1+1", "\tx"];
    const id = await anImport(emails.map((email, at) => ({ line: at + 2, email, outcome: "REFUSED", reason: "=x" })));
    const rows = parse(await (await fetch(link(`/downloads/imports/${id}`))).text(), { columns: true });
    expect(rows).toEqual(
      emails.map((email, at) => ({ line: String(at + 2), email: `'${email}`, outcome: "REFUSED", reason: "'=x" })),
    );
  });

  it("holds every row of a long import once", async () => {
    const id = await anImport(
      Array.from({ length: 2_500 }, (_, at) => ({
        line: at * 3 + 2,
        email: `p${at}@school.example`,
        outcome: "ACCEPTED",
        reason: null,
      })),
    );
    const rows: { line: string }[] = parse(await (await fetch(link(`/downloads/imports/${id}`))).text(), {
      columns: true,
    });
    expect(rows.map(({ line }) => Number(line))).toEqual(Array.from({ length: 2_500 }, (_, at) => at * 3 + 2));
  });

  it("is not there for an import that is unknown or under way", async () => {
    const underWay = await anImport([], { isFinished: false });
    for (const id of [nothingsId(), underWay, "nonsense"])
      expect(await refusal(link(`/downloads/imports/${id}`))).toMatchObject({ status: 404, code: "NOT_FOUND" });
  });
});

describe("a link to a download", () => {
  it("is refused when it is older than its time, changed, without a signature, or another download's", async () => {
    const path = `/downloads/imports/${await anImport([])}`;
    const good = link(path);
    const bad = [
      link(path, new Date(Date.now() - 1_000)),
      good.replace(/expires=\d+/, "expires=99999999999"),
      good.replace(/signature=(.)/, (_all, first) => `signature=${first === "_" ? "-" : "_"}`),
      good.replace(/&signature.*/, ""),
      `${app.url}${path}`,
      `${good}&signature=x`,
      good.replace("imports", "exports"),
      link(`/downloads/imports/${nothingsId()}`).replace(/imports\/[\w-]+/, path.slice(11)),
    ];
    for (const url of bad)
      expect(await refusal(url)).toEqual({ status: 403, code: "FORBIDDEN", reason: "LINK_NOT_GOOD" });
    expect((await fetch(good)).status).toBe(200);
  });

  it("leaves no trace in the log by which the file could be fetched again", async () => {
    const url = link(`/downloads/imports/${await anImport([])}`);
    await (await fetch(url)).text();
    const signature = new URL(url).searchParams.get("signature")!;
    const text = kept.text();
    expect(text).toContain('"download"');
    expect(text).not.toContain(signature);
  });
});

describe("an export of personal data", () => {
  const archive = { about: "Everything", answers: Array.from({ length: 500 }, () => "x".repeat(50)) };
  async function anExport({ expiresAt = inAnHour(), readyAt = new Date() as Date | null } = {}): Promise<string> {
    const [owner] = (await somePeople(app.container, 1)) as [Person];
    const { id } = await app.container.db.dataExport.create({
      data: {
        id: uuidv7(),
        userId: owner.id,
        jobId: uuidv7(),
        archive: readyAt && gzipSync(JSON.stringify(archive)),
        readyAt,
        expiresAt,
      },
    });
    return id;
  }
  /** The answer as it comes over the line, which `fetch` would unpack. */
  const raw = (url: string, headers: Record<string, string>) =>
    new Promise<{ headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
      request(url, { headers }, (answer) => {
        const parts: Buffer[] = [];
        answer.on("data", (part: Buffer) => parts.push(part));
        answer.on("end", () => resolve({ headers: answer.headers, body: Buffer.concat(parts) }));
      })
        .on("error", reject)
        .end();
    });

  it("is JSON, packed for those who take it packed", async () => {
    const url = link(`/downloads/exports/${await anExport()}`);
    const packed = await raw(url, { "accept-encoding": "br, gzip;q=0.5" });
    expect(packed.headers).toMatchObject({
      "content-encoding": "gzip",
      "content-type": "application/json; charset=utf-8",
      "content-disposition": expect.stringMatching(/^attachment; filename="[\w.-]+\.json"$/),
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      vary: "accept-encoding",
    });
    expect(packed.body).toEqual(gzipSync(JSON.stringify(archive)));
    for (const headers of [
      {} as Record<string, string>,
      { "accept-encoding": "gzip;q=0" },
      { "accept-encoding": "identity" },
    ]) {
      const plain = await raw(url, headers);
      expect(plain.headers).not.toHaveProperty("content-encoding");
      expect(JSON.parse(plain.body.toString())).toEqual(archive);
    }
    expect(await (await fetch(url)).json()).toEqual(archive);
  });

  it("is not there when it is unknown, not ready or past its time", async () => {
    const ids = [
      nothingsId(),
      await anExport({ readyAt: null }),
      await anExport({ expiresAt: new Date(Date.now() - 1) }),
    ];
    for (const id of ids) expect(await refusal(link(`/downloads/exports/${id}`))).toMatchObject({ status: 404 });
  });

  it("is a fault of the server when what was stored is no archive", async () => {
    const id = await anExport();
    await app.container.db.dataExport.update({ where: { id }, data: { archive: randomBytes(100) } });
    const spoilt = link(`/downloads/exports/${id}`);
    const { body } = await raw(spoilt, {});
    expect(JSON.parse(body.toString())).toMatchObject({
      errors: [{ extensions: { code: "INTERNAL_SERVER_ERROR", status: 500, requestId: expect.any(String) } }],
    });
  });
});
