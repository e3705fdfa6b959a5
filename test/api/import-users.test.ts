import { request } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import type { UserRole } from "../../src/generated/prisma/enums.ts";
import { eventually } from "../support/eventually.ts";
import { type MailApp, startMailApp } from "../support/mailApp.ts";
import { aSchool, type Person, type School, somePeople } from "../support/school.ts";
import { nothingsId } from "../support/world.ts";

let app: MailApp;
let admin: Person;
beforeAll(async () => {
  app = await startMailApp();
  admin = app.admin;
});
afterAll(() => app.close());

const IMPORT = `
  mutation ($input: ImportUsersInput!) {
    importUsers(input: $input) {
      queued jobId import { id jobId courseId totalRows doneRows accepted updated unchanged refused finishedAt reportUrl }
    }
  }`;
const LOOK = `
  query ($id: ID!, $outcome: ImportOutcome, $first: Int, $after: String, $last: Int, $before: String) {
    userImport(id: $id) {
      totalRows doneRows accepted updated unchanged refused finishedAt reportUrl
      rows(outcome: $outcome, first: $first, after: $after, last: $last, before: $before) {
        totalCount nodes { line email outcome reason } pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
      }
    }
  }`;

const csv = (...rows: string[]) => `${rows.join("\n")}\n`;
/** Addresses that no other test has. */
const anAddress = (name: string) => `${name}-${uuidv7().slice(-12)}@school.example`;
const db = () => app.container.db;
const personBy = (email: string) => db().user.findUniqueOrThrow({ where: { email } });
const look = async (id: string, args: Record<string, unknown> = {}, by = admin) =>
  (await app.ask(LOOK, { id, first: 100, ...args }, by.token)).data.userImport;

/** Asks for an import and waits until it is finished. */
async function takeIn(text: string, { courseId, by = admin }: { courseId?: string; by?: Person } = {}) {
  const { data, errors } = await app.ask(IMPORT, { input: { csv: text, courseId } }, by.token);
  if (errors) throw new Error(JSON.stringify(errors));
  const { id } = data.importUsers.import;
  const done = await eventually(
    "the import is finished",
    async () => {
      const found = await look(id, {}, by);
      return found.finishedAt && found;
    },
    30_000,
  );
  return { id: id as string, ...done };
}
const outcomes = (done: { rows: { nodes: { outcome: string }[] } }) => done.rows.nodes.map(({ outcome }) => outcome);
const invitations = async (userId: string) =>
  db().outboxJob.findMany({
    where: {
      queue: "email",
      AND: [
        { payload: { path: ["template"], equals: "invitation" } },
        { payload: { path: ["userId"], equals: userId } },
      ],
    },
  });
const mailTo = (email: string) =>
  eventually("the mail is there", () => app.server.mails.find(({ recipients }) => recipients.includes(email)));
const enrolment = (school: School, userId: string) =>
  db().enrollment.findUnique({ where: { courseId_userId: { courseId: school.courseId, userId } } });
const tokenWith = async (role: UserRole) => (await somePeople(app.container, 1, role))[0]!;

describe("an address that somebody registered and never verified", () => {
  it("is taken from them by a file that names it, and its owner is invited", async () => {
    const email = anAddress("head");
    const password = "the attacker's password";
    const input = { email, password, name: "Attacker" };
    await app.ask("mutation ($input: RegisterInput!) { register(input: $input) { jobId } }", { input });
    const LOGIN =
      "mutation ($email: String!, $password: String!) { login(email: $email, password: $password) { refreshToken } }";
    const { refreshToken } = (await app.ask(LOGIN, { email, password })).data.login;

    const text = csv("email,name,role", `${email},New Head,ADMIN`);
    const done = await takeIn(text);
    expect(done.rows.nodes).toMatchObject([
      { outcome: "UPDATED", reason: expect.stringContaining("without verifying it") },
    ]);
    expect(await app.refusal(LOGIN, { email, password })).toBe("WRONG_CREDENTIALS");
    const REFRESH = "mutation ($token: String!) { refreshSession(refreshToken: $token) { refreshToken } }";
    expect(await app.refusal(REFRESH, { token: refreshToken })).toBe("SESSION_OVER");
    const person = await personBy(email);
    expect(person).toMatchObject({ name: "New Head", role: "ADMIN", passwordHash: null });
    expect(await invitations(person.id)).toHaveLength(1);

    expect(outcomes(await takeIn(text))).toEqual(["UNCHANGED"]);
    expect(await invitations(person.id)).toHaveLength(1);
  });
});

describe("an administrator's file", () => {
  it("is answered at once, and then makes accounts and invites their people", async () => {
    const [ada, bob] = [anAddress("ada"), anAddress("bob")];
    const { data } = await app.ask(
      IMPORT,
      { input: { csv: csv("email,name,role,locale", `${ada.toUpperCase()},Ada,INSTRUCTOR,de`, `${bob},Bob,,`) } },
      admin.token,
    );
    const { queued, jobId, import: asked } = data.importUsers;
    expect(queued).toBe(true);
    expect(asked).toMatchObject({ jobId, courseId: null, totalRows: 2 });

    const done = await eventually("it is finished", async () => {
      const found = await look(asked.id);
      return found.finishedAt && found;
    });
    expect(done).toMatchObject({ totalRows: 2, doneRows: 2, accepted: 2, updated: 0, unchanged: 0, refused: 0 });
    expect(done.reportUrl).toContain(`https://api.school.example/downloads/imports/${asked.id}?expires=`);
    expect(done.rows.nodes).toEqual([
      { line: 2, email: ada, outcome: "ACCEPTED", reason: null },
      { line: 3, email: bob, outcome: "ACCEPTED", reason: null },
    ]);
    expect(await personBy(ada)).toMatchObject({
      name: "Ada",
      role: "INSTRUCTOR",
      locale: "de",
      passwordHash: null,
      emailVerifiedAt: null,
    });
    expect(await personBy(bob)).toMatchObject({ name: "Bob", role: "STUDENT", locale: "en" });
    const { requestId } = await db().outboxJob.findUniqueOrThrow({ where: { id: jobId } });
    expect(requestId).toBeTruthy();
    for (const email of [ada, bob])
      expect(await invitations((await personBy(email)).id)).toMatchObject([{ requestId }]); // one id finds all

    const job = await eventually("the job is completed", async () => {
      const answer = await app.ask(
        `query ($id: ID!) { job(queue: "user", id: $id) { state progress } }`,
        { id: jobId },
        admin.token,
      );
      return answer.data.job.state === "COMPLETED" && answer.data.job;
    });
    expect(job.progress).toBe(100);
    expect(await db().userImport.findUniqueOrThrow({ where: { id: asked.id } })).toMatchObject({ csv: null });
    await mailTo(admin.email);
  });

  it("lets people in by the mails it brings them", async () => {
    const ada = anAddress("ada");
    await takeIn(csv("email,name", `${ada},Ada`));
    const { text = "" } = await mailTo(ada);
    const token = new URL(/https:\S+accept-invitation\S+/.exec(text)![0]).searchParams.get("token");
    const { data } = await app.ask(
      `mutation ($token: String!, $password: String!) {
         acceptInvitation(token: $token, password: $password) { id }
         login(email: "${ada}", password: $password) { accessToken }
       }`,
      { token, password: "correct horse battery staple" },
    );
    const me = await app.ask("{ me { email name role emailVerifiedAt } }", {}, data.login.accessToken);
    expect(me.data.me).toEqual({ email: ada, name: "Ada", role: "STUDENT", emailVerifiedAt: expect.any(String) });
  });

  it("changes nothing when it is sent again", async () => {
    const school = await aSchool(app.container);
    const text = csv(
      "email;name;role;extra_time_percent",
      `${anAddress("ada")};Ada;STUDENT;25`,
      `${anAddress("bob")};Bob;INSTRUCTOR;`,
      "nobody;Nobody;;",
    );
    const state = async () => ({
      users: await db().user.findMany({ orderBy: { id: "asc" } }),
      enrolments: await db().enrollment.findMany({ orderBy: [{ courseId: "asc" }, { userId: "asc" }] }),
      invitations: await db().outboxJob.count({ where: { payload: { path: ["template"], equals: "invitation" } } }),
    });
    const first = await takeIn(text, { courseId: school.courseId });
    expect(outcomes(first)).toEqual(["ACCEPTED", "ACCEPTED", "REFUSED"]);
    const before = await state();
    const second = await takeIn(text, { courseId: school.courseId });
    expect(outcomes(second)).toEqual(["UNCHANGED", "UNCHANGED", "REFUSED"]);
    expect(second).toMatchObject({ accepted: 0, updated: 0, unchanged: 2, refused: 1 });
    expect(await state()).toEqual(before);
  });

  it("has its bad rows refused with line and reason, and its good ones taken", async () => {
    const [ada, cleo] = [anAddress("ada"), anAddress("cleo")];
    const done = await takeIn(
      `\uFEFFName;E-Mail`.replace("E-Mail", "Email;Role") +
        `\r\n"Ada\r\nLovelace";${ada};\r\nCleo;${cleo};\r\nCleo again;${cleo};\r\nDan;dan;HEAD\r\nEve;eve@school.example\r\n`,
    );
    expect(done.rows.nodes).toEqual([
      { line: 2, email: ada, outcome: "REFUSED", reason: expect.stringContaining("name: ") },
      { line: 4, email: cleo, outcome: "ACCEPTED", reason: null },
      { line: 5, email: cleo, outcome: "REFUSED", reason: "The address is in line 4 already." },
      { line: 6, email: "dan", outcome: "REFUSED", reason: expect.stringMatching(/email: .*role: is none of/) },
      { line: 7, email: "eve@school.example", outcome: "REFUSED", reason: expect.stringContaining("2 fields") },
    ]);
    expect(await db().user.count({ where: { email: ada } })).toBe(0);
  });

  it("changes what people are: profile and audit log say so, and a new role ends their sessions", async () => {
    const [teacher] = (await somePeople(app.container, 1)) as [Person];
    const me = async () => (await app.ask("{ me { name role } }", {}, teacher.token)).data.me;
    const { name } = await me();
    await db().session.create({
      data: {
        id: teacher.actor.sessionId,
        userId: teacher.id,
        tokenHash: uuidv7(),
        expiresAt: new Date(Date.now() + 3_600_000),
      },
    });
    const row = (role: string) => csv("email,name,role,locale", `${teacher.email},Grace Hopper,${role},de`);
    expect((await takeIn(row("INSTRUCTOR"))).rows.nodes).toMatchObject([
      { outcome: "UPDATED", reason: "Changed: name, role, locale." },
    ]);
    expect(name).not.toBe("Grace Hopper");
    expect(await me()).toEqual({ name: "Grace Hopper", role: "INSTRUCTOR" });
    expect(await db().session.findUnique({ where: { id: teacher.actor.sessionId } })).toMatchObject({
      revokedAt: expect.any(Date),
    });
    expect((await takeIn(row(""))).rows.nodes).toMatchObject([{ outcome: "UNCHANGED" }]);
    const log = await db().auditEntry.findMany({ where: { entityId: teacher.id } });
    expect(log).toMatchObject([
      { actorId: admin.id, action: "user.updateRole", before: { role: "STUDENT" }, after: { role: "INSTRUCTOR" } },
    ]);
    expect(await invitations(teacher.id)).toEqual([]);
  });

  it("leaves the administrator's own role alone, and accounts that are closed", async () => {
    const [disabled] = (await somePeople(app.container, 1)) as [Person];
    await db().user.update({ where: { id: disabled.id }, data: { disabledAt: new Date() } });
    const done = await takeIn(csv("email,name,role", `${admin.email},Root,STUDENT`, `${disabled.email},Ghost,`));
    expect(done.rows.nodes).toMatchObject([
      { outcome: "REFUSED", reason: expect.stringContaining("your own role") },
      { outcome: "REFUSED", reason: expect.stringContaining("disabled") },
    ]);
    expect(await db().user.findUnique({ where: { id: admin.id } })).toMatchObject({ role: "ADMIN" });
    expect((await personBy(disabled.email)).name).not.toBe("Ghost");
  });

  it("enrolls as teachers those who are brought in as such", async () => {
    const school = await aSchool(app.container);
    const ada = anAddress("ada");
    const rows = csv("email,name,role", `${ada},Ada,INSTRUCTOR`, `${school.teacher.email},T,`);
    await takeIn(rows, { courseId: school.courseId });
    expect(await enrolment(school, (await personBy(ada)).id)).toMatchObject({ role: "INSTRUCTOR" });
    expect(await enrolment(school, school.teacher.id)).toMatchObject({ role: "INSTRUCTOR" });
    await takeIn(csv("email,name,role", `${school.teacher.email},T,STUDENT`), { courseId: school.courseId });
    expect(await enrolment(school, school.teacher.id)).toMatchObject({ role: "STUDENT" });
  });
});

describe("a teacher's file", () => {
  it("enrolls a class: those who are new, those who are known, and those who had left", async () => {
    const school = await aSchool(app.container, { students: 2 });
    const [left, present] = school.students as [Person, Person];
    await app.container.services.courses.withdraw(school.teacher.actor, school.courseId, left.id);
    const [stranger] = (await somePeople(app.container, 1)) as [Person];
    const courses = async () => (await app.ask("{ courses { nodes { id } } }", {}, stranger.token)).data.courses.nodes;
    expect(await courses()).toEqual([]);
    const [fresh, own] = [anAddress("new"), school.teacher];
    const done = await takeIn(
      csv(
        "email,name,extra_time_percent",
        `${fresh},New,10`,
        `${left.email},Left,`,
        `${present.email},Present,50`,
        `${stranger.email},Another Name,`,
        `${own.email},Teacher,`,
      ),
      { courseId: school.courseId, by: school.teacher },
    );
    expect(
      done.rows.nodes.map(({ outcome, reason }: { outcome: string; reason: string }) => [outcome, reason]),
    ).toEqual([
      ["ACCEPTED", null],
      ["UPDATED", "Changed: enrolment."],
      ["UPDATED", "Changed: extra time."],
      ["UPDATED", "Changed: enrolment."],
      ["UNCHANGED", null],
    ]);
    const { id: freshId } = await personBy(fresh);
    const student = { role: "STUDENT", status: "ACTIVE" };
    expect(await enrolment(school, freshId)).toMatchObject({ ...student, extraTimePercent: 10 });
    expect(await enrolment(school, left.id)).toMatchObject({ ...student, extraTimePercent: 0 });
    expect(await enrolment(school, present.id)).toMatchObject({ ...student, extraTimePercent: 50 });
    expect(await enrolment(school, own.id)).toMatchObject({ role: "INSTRUCTOR" });
    expect(await courses()).toEqual([{ id: school.courseId }]);
    expect((await personBy(stranger.email)).name).not.toBe("Another Name");
    expect((await invitations(freshId)).map(({ payload }) => payload)).toEqual([
      { template: "invitation", userId: freshId, courseId: school.courseId },
    ]);
    expect(await invitations(stranger.id)).toEqual([]);
  });

  it("puts people into groups of the course, makes those that are missing and says so, and takes nobody out", async () => {
    const school = await aSchool(app.container, { students: 2 });
    const [present, other] = school.students as [Person, Person];
    const { services } = app.container;
    const lab = await services.groups.create(school.teacher.actor, { courseId: school.courseId, name: "Lab B2" });
    await services.groups.addMembers(school.teacher.actor, { groupId: lab.id, userIds: [other.id] });
    const fresh = anAddress("new");
    const text = csv(
      "email,name,groups",
      `${fresh},New,Lab B2|Late shift`,
      `${present.email},Present,late shift`,
      `${other.email},Other,`,
      `nobody,Nobody,Nowhere`,
    );
    const asked = { courseId: school.courseId, by: school.teacher };
    const reasons = (done: { rows: { nodes: object[] } }) => done.rows.nodes.map((row) => Object.values(row).slice(2));
    expect(reasons(await takeIn(text, asked))).toEqual([
      ["ACCEPTED", "New in the course: “Late shift”."],
      ["UPDATED", "Changed: groups."],
      ["UNCHANGED", null],
      ["REFUSED", expect.stringContaining("email")],
    ]);
    const groups = await db().courseGroup.findMany({
      where: { courseId: school.courseId },
      include: { members: { orderBy: { userId: "asc" } } },
      orderBy: { name: "asc" },
    });
    const { id: freshId } = await personBy(fresh);
    expect(groups.map(({ name, members }) => [name, members.map(({ userId }) => userId)])).toEqual([
      ["Lab B2", [other.id, freshId]],
      ["Late shift", [present.id, freshId].toSorted()],
    ]);
    const acts = await db().auditEntry.findMany({ where: { entityId: groups[1]!.id }, orderBy: { id: "asc" } });
    expect(acts).toMatchObject([
      { actorId: school.teacher.id, action: "createGroup" },
      { action: "addGroupMembers", after: { added: expect.arrayContaining([present.id, freshId]) } },
    ]);
    expect(outcomes(await takeIn(text, asked))).toEqual(["UNCHANGED", "UNCHANGED", "UNCHANGED", "REFUSED"]);
  });

  it("brings in students only, and changes nobody's role", async () => {
    const school = await aSchool(app.container);
    const [other] = (await somePeople(app.container, 1, "INSTRUCTOR")) as [Person];
    const ada = anAddress("ada");
    const done = await takeIn(
      csv(
        "email,name,role",
        `${ada},Ada,ADMIN`,
        `${other.email},Other,STUDENT`,
        `${school.students[0]!.email},S,INSTRUCTOR`,
      ),
      { courseId: school.courseId, by: school.teacher },
    );
    expect(done.rows.nodes).toMatchObject([
      { outcome: "REFUSED", reason: "Only an ADMIN can bring in somebody as ADMIN." },
      { outcome: "UPDATED", reason: "Changed: enrolment." },
      { outcome: "REFUSED", reason: "Only an ADMIN can bring in somebody as INSTRUCTOR." },
    ]);
    expect(await db().user.count({ where: { email: ada } })).toBe(0);
    expect(await personBy(other.email)).toMatchObject({ role: "INSTRUCTOR" });
    expect(await personBy(school.students[0]!.email)).toMatchObject({ role: "STUDENT" });
  });

  it("needs a course of the teacher's own", async () => {
    const school = await aSchool(app.container);
    const [other] = (await somePeople(app.container, 1, "INSTRUCTOR")) as [Person];
    const text = csv("email,name", `${anAddress("ada")},Ada`);
    const ask = (courseId: string | null, by: Person) =>
      app.refusal(IMPORT, { input: { csv: text, courseId } }, by.token);
    expect(await ask(null, school.teacher)).toBe("FORBIDDEN");
    expect(await ask(school.courseId, other)).toBe("NOT_FOUND");
    expect(await ask(school.courseId, school.students[0]!)).toBe("FORBIDDEN");
    expect(await ask(nothingsId(), admin)).toBe("NOT_FOUND");
    expect(await ask("nonsense", admin)).toBe("NOT_FOUND");
  });
});

describe("an import", () => {
  it("is shown to whoever asked for it and to administrators", async () => {
    const school = await aSchool(app.container);
    const { id } = await takeIn(csv("email,name", `${anAddress("ada")},Ada`), {
      courseId: school.courseId,
      by: school.teacher,
    });
    const see = (by: Person) => app.refusal(LOOK, { id }, by.token);
    expect(await see(school.teacher)).toBeUndefined();
    expect(await see(admin)).toBeUndefined();
    expect(await see(await tokenWith("INSTRUCTOR"))).toBe("NOT_FOUND");
    expect(await see(school.students[0]!)).toBe("FORBIDDEN");
    expect(await app.refusal(LOOK, { id: nothingsId() }, admin.token)).toBe("NOT_FOUND");
  });

  it("shows its rows in the order of the file, in pages, and by outcome", async () => {
    const rows = Array.from({ length: 23 }, (_, at) => `${at % 4 === 3 ? "nobody" : anAddress("x")},X${at}`);
    const { id } = await takeIn(csv("email,name", ...rows));
    const lines: number[] = [];
    for (let after: string | null = null, more = true; more; ) {
      const { rows: page } = await look(id, { first: 5, after });
      expect(page.totalCount).toBe(23);
      lines.push(...page.nodes.map(({ line }: { line: number }) => line));
      after = page.pageInfo.endCursor;
      more = page.pageInfo.hasNextPage;
    }
    expect(lines).toEqual(rows.map((_row, at) => at + 2));
    const { rows: last } = await look(id, { first: undefined, last: 2 });
    expect(last.nodes.map(({ line }: { line: number }) => line)).toEqual([23, 24]);
    const { rows: refused } = await look(id, { outcome: "REFUSED" });
    expect(refused.totalCount).toBe(5);
    expect(refused.nodes.map(({ line }: { line: number }) => line)).toEqual([5, 9, 13, 17, 21]);
    expect(await app.refusal(LOOK, { id, first: 1, after: "x" }, admin.token)).toBe("BAD_USER_INPUT");
  });

  it("is in the audit log", async () => {
    const { id } = await takeIn(csv("email,name", `${anAddress("ada")},Ada`));
    expect(await db().auditEntry.findMany({ where: { entityId: id } })).toMatchObject([
      { actorId: admin.id, action: "user.import", entityType: "UserImport", after: { courseId: null, rows: 1 } },
    ]);
  });
});

describe("a file that cannot be read", () => {
  it.each([
    ["an empty one", "", "is empty"],
    ["one without rows", "email,name\n", "nothing below"],
    ["one without the columns", "mail,name\na,b\n", "“mail”"],
    ["one with a quote that is not closed", 'email,name\na@x.example,"A\n', "line 2"],
    ["one in another encoding", "email,name\na@x.example,J\uFFFDrg\n", "CSV UTF-8"],
    ["one with a NUL", "email,name\na@x.example,J\0rg\n", "CSV UTF-8"],
    ["one with extra time and no course", "email,name,extra_time_percent\na@x.example,A,5\n", "course"],
    ["one with groups and no course", "email,name,groups\na@x.example,A,B2\n", "course"],
    ["one that is too long", `email,name\n${"a@x.example,A\n".repeat(50_001)}`, "50,000"],
  ])("is refused at once, and nothing is kept: %s", async (_what, text, message) => {
    const before = await db().userImport.count();
    const { errors } = await app.ask(IMPORT, { input: { csv: text } }, admin.token);
    expect(errors).toMatchObject([
      {
        extensions: {
          code: "BAD_USER_INPUT",
          fields: [{ path: "input.csv", message: expect.stringContaining(message) }],
        },
      },
    ]);
    expect(await db().userImport.count()).toBe(before);
  });

  it("is refused by its announced size before it is read, when that is a gigabyte", async () => {
    const { status, body } = await new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": 2 ** 30 };
      const sending = request(`${app.url}/graphql`, { method: "POST", headers }, (answer) => {
        let body = "";
        answer.setEncoding("utf8").on("data", (text) => (body += text));
        answer.on("end", () => {
          sending.destroy();
          resolve({ status: answer.statusCode, body });
        });
      });
      sending.on("error", reject);
      sending.write('{"query":"');
    });
    expect(status).toBe(413);
    expect(JSON.parse(body)).toMatchObject({
      errors: [
        { message: expect.stringMatching(/larger than \d+ KB/), extensions: { code: "BAD_USER_INPUT", status: 413 } },
      ],
    });
  });
});
