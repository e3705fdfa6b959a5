import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { anExam, aSchool, type Person, type School } from "../support/school.ts";
import { statementsOf } from "../support/statements.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { nothingsId } from "../support/world.ts";

const MINUTE = 60_000;
const inMinutes = (minutes: number) => new Date(Date.now() + minutes * MINUTE).toISOString();
const GROUP = "id name memberCount members { totalCount nodes { id } }";
const LIMIT = "timeLimit { minutes parts { kind minutes } }";
const TERMS = `query ($id: ID!) { exam(id: $id) { myTerms {
  opensAt closesAt ${LIMIT} attemptsAllowed attemptsLeft attemptId refusal { reason message }
  grants { source extraTimePercent extraMinutes extraAttempts opensAt closesAt }
} } }`;
const ACCOMMODATE =
  "mutation ($input: ExamAccommodationInput!) { setExamAccommodation(input: $input) { groupId userId } }";
const TAKE_BACK = `mutation ($examId: ID!, $userId: ID, $groupId: ID) {
  removeExamAccommodation(examId: $examId, userId: $userId, groupId: $groupId)
}`;
const LIST = `query ($id: ID!, $after: String) { examAccommodations(examId: $id, first: 2, after: $after) {
  totalCount pageInfo { hasNextPage endCursor } nodes { student { id } group { name } extraMinutes }
} }`;
const EXTEND = "mutation ($input: ExtendExamInput!) { extendExam(input: $input) { userIds } }";

let app: TestApp;
let school: School;
let students: Person[];
beforeAll(async () => {
  app = await startTestApp();
});
afterAll(() => app.close());
beforeEach(async () => {
  school = await aSchool(app.container, { students: 4 });
  students = school.students;
});

async function asked(operation: string, variables: object, { token }: Person) {
  const { data, errors } = await app.ask(operation, { ...variables }, token);
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}
const byTeacher = (operation: string, variables: object) => asked(operation, variables, school.teacher);
const idsOf = (people: readonly { id: string }[]) => people.map(({ id }) => id);

const create = async (name: string) =>
  (await byTeacher(
    `mutation ($id: ID!, $name: String!) { group: createGroup(courseId: $id, name: $name) { ${GROUP} } }`,
    {
      id: school.courseId,
      name,
    },
  )) as { group: { id: string } };
const change = async (
  field: "setGroupMembers" | "addGroupMembers" | "removeGroupMembers",
  id: string,
  userIds: string[],
) => {
  const operation = `mutation ($id: ID!, $userIds: [ID!]!) { group: ${field}(groupId: $id, userIds: $userIds) { ${GROUP} } }`;
  const { group } = await byTeacher(operation, { id, userIds });
  expect(group.members.totalCount).toBe(group.memberCount);
  return new Set(idsOf(group.members.nodes));
};
async function aGroup(name: string, members: readonly Person[]): Promise<string> {
  const { group } = await create(name);
  await change("setGroupMembers", group.id, idsOf(members));
  return group.id;
}
const accommodate = (examId: string, input: object) => byTeacher(ACCOMMODATE, { input: { examId, ...input } });
const terms = async (examId: string, person: Person) => (await asked(TERMS, { id: examId }, person)).exam.myTerms;
const limitOf = async (examId: string, person: Person) =>
  (await asked(`mutation ($id: ID!) { startAttempt(examId: $id) { ${LIMIT} } }`, { id: examId }, person)).startAttempt
    .timeLimit;

describe("the groups of a course", () => {
  it("are made, named, filled and emptied by its staff, and it may be said twice", async () => {
    const [one, two, three] = students as [Person, Person, Person];
    const { group } = await create("  Late shift ");
    expect(group).toMatchObject({ name: "Late shift", memberCount: 0 });
    for (const _time of [1, 2])
      expect(await change("setGroupMembers", group.id, idsOf([one, two]))).toEqual(new Set(idsOf([one, two])));
    for (const _time of [1, 2])
      expect(await change("addGroupMembers", group.id, idsOf([two, three]))).toEqual(new Set(idsOf([one, two, three])));
    for (const _time of [1, 2])
      expect(await change("removeGroupMembers", group.id, [one.id, nothingsId()])).toEqual(
        new Set(idsOf([two, three])),
      );
    expect(await change("setGroupMembers", group.id, [one.id])).toEqual(new Set([one.id]));

    const rename = "mutation ($id: ID!, $name: String!) { renameGroup(groupId: $id, name: $name) { name } }";
    expect((await byTeacher(rename, { id: group.id, name: "Early shift" })).renameGroup.name).toBe("Early shift");
    const { group: other } = await create("Late shift");
    expect(await app.refusal(rename, { id: other.id, name: "Early shift" }, school.teacher.token)).toBe(
      "GROUP_NAME_TAKEN",
    );

    const list = "query ($id: ID!) { courseGroups(courseId: $id) { totalCount nodes { id name memberCount } } }";
    expect((await byTeacher(list, { id: school.courseId })).courseGroups).toEqual({
      totalCount: 2,
      nodes: [
        { id: other.id, name: "Late shift", memberCount: 0 },
        { id: group.id, name: "Early shift", memberCount: 1 },
      ],
    });
    expect((await byTeacher("mutation ($id: ID!) { deleteGroup(groupId: $id) }", { id: group.id })).deleteGroup).toBe(
      true,
    );
    expect(
      await app.refusal("query ($id: ID!) { courseGroup(id: $id) { id } }", { id: group.id }, school.teacher.token),
    ).toBe("NOT_FOUND");
    const acts = await app.container.db.auditEntry.findMany({ where: { entityId: group.id }, orderBy: { id: "asc" } });
    expect(acts.map(({ action }) => action).filter((action, index, all) => action !== all[index - 1])).toEqual([
      "createGroup",
      "setGroupMembers",
      "addGroupMembers",
      "removeGroupMembers",
      "setGroupMembers",
      "renameGroup",
      "deleteGroup",
    ]);
    expect(acts.at(-3)!.after).toMatchObject({ added: [one.id], removed: expect.arrayContaining([two.id, three.id]) });
  });

  it("take nobody who is not enrolled, say who that is, and then are as they were", async () => {
    const other = await aSchool(app.container);
    const [stranger] = other.students as [Person];
    const id = await aGroup("Late shift", students.slice(0, 1));
    for (const field of ["setGroupMembers", "addGroupMembers"]) {
      const { errors } = await app.ask(
        `mutation ($id: ID!, $userIds: [ID!]!) { ${field}(groupId: $id, userIds: $userIds) { id } }`,
        { id, userIds: [students[1]!.id, stranger.id, "nonsense"] },
        school.teacher.token,
      );
      expect(errors).toMatchObject([
        {
          message: `Not enrolled in the course: ${stranger.id}, nonsense.`,
          extensions: { code: "BAD_USER_INPUT", fields: [{ path: "userIds.1" }, { path: "userIds.2" }] },
        },
      ]);
    }
    const rows = await app.container.db.courseGroupMember.findMany({ where: { groupId: id } });
    expect(rows).toEqual([{ groupId: id, userId: students[0]!.id }]);
  });

  it("are left by who leaves the course, and stay left when the person comes back", async () => {
    const [leaver] = students as [Person];
    const id = await aGroup("Late shift", students);
    const { courses } = app.container.services;
    await courses.withdraw(school.teacher.actor, school.courseId, leaver.id);
    await courses.enroll(school.teacher.actor, {
      courseId: school.courseId,
      students: [{ email: leaver.email, extraTimePercent: 0, role: "STUDENT" }],
    });
    const members = await app.container.db.courseGroupMember.findMany({ where: { groupId: id } });
    expect(members.map(({ userId }) => userId).sort()).toEqual(idsOf(students.slice(1)).sort());
  });

  it("keep nobody who was put in and left the course in the same moment", async () => {
    const id = await aGroup("Late shift", []);
    const { courses, groups } = app.container.services;
    for (let round = 0; round < 5; round++)
      await Promise.allSettled(
        students.flatMap(({ id: userId }) => [
          groups.addMembers(school.teacher.actor, { groupId: id, userIds: [userId] }),
          courses.withdraw(school.teacher.actor, school.courseId, userId),
        ]),
      );
    expect(await app.container.db.courseGroupMember.count({ where: { groupId: id } })).toBe(0);
  });

  it("are filled with as many statements for many as for one", async () => {
    const large = await aSchool(app.container, { students: 40 });
    const { groups } = app.container.services;
    const { id: groupId } = await groups.create(large.teacher.actor, { courseId: large.courseId, name: "All" });
    const count = async (people: readonly Person[]) =>
      (await statementsOf(app, () => groups.setMembers(large.teacher.actor, { groupId, userIds: idsOf(people) })))
        .length;
    const few = await count(large.students.slice(0, 1));
    expect(await count(large.students)).toBe(few);
    expect(few).toBeLessThanOrEqual(9);
  });
});

describe("what an exam gives a group", () => {
  it("counts once however many groups give it, and adds to what is the person's own", async () => {
    const [inBoth, inOne, inNone] = students as [Person, Person, Person];
    const reading = await aGroup("More reading time", [inBoth]);
    const writing = await aGroup("More writing time", [inBoth, inOne]);
    const { examId } = await anExam(app.container, school);
    await accommodate(examId, { groupId: reading, extraTimePercent: 20, extraMinutes: 4, extraAttempts: 2 });
    await accommodate(examId, { groupId: writing, extraTimePercent: 50, extraMinutes: 1, extraAttempts: 1 });
    await accommodate(examId, { userId: inBoth.id, extraTimePercent: 10, extraMinutes: 3, extraAttempts: 1 });

    const before = await terms(examId, inBoth);
    expect(before).toMatchObject({ attemptsAllowed: 4, attemptsLeft: 4, refusal: null, timeLimit: { minutes: 55 } });
    expect(before.grants).toMatchObject([
      { source: "EXAM", extraTimePercent: 10, extraMinutes: 3, extraAttempts: 1 },
      { source: "GROUP", extraTimePercent: 50, extraMinutes: 4, extraAttempts: 2 },
    ]);
    expect((await limitOf(examId, inBoth)).parts).toEqual([
      { kind: "BASE", minutes: 30 },
      { kind: "EXTRA_TIME", minutes: 18 },
      { kind: "EXTRA_MINUTES", minutes: 7 },
    ]);
    expect((await limitOf(examId, inOne)).minutes).toBe(46);
    expect((await limitOf(examId, inNone)).minutes).toBe(30);
  });

  it("is a window of its own, unless the person has one, and the members' extra time widens it", async () => {
    const [member, special, outside] = students as [Person, Person, Person];
    const { examId } = await anExam(app.container, school, { rules: { closesAt: inMinutes(-1) } });
    const groupId = await aGroup("Late shift", [member, special]);
    const window = { opensAt: inMinutes(-30), closesAt: inMinutes(20) };
    await accommodate(examId, { groupId, ...window });
    await accommodate(examId, { userId: special.id, opensAt: inMinutes(60) });
    await app.container.services.courses.enroll(school.teacher.actor, {
      courseId: school.courseId,
      students: [{ email: member.email, extraTimePercent: 50, role: "STUDENT" }],
    });

    expect(await terms(examId, member)).toMatchObject({
      opensAt: window.opensAt,
      closesAt: new Date(Date.parse(window.closesAt) + 15 * MINUTE).toISOString(),
      refusal: null,
    });
    const { minutes, parts } = await limitOf(examId, member);
    expect(minutes).toBeCloseTo(35, 0); // 45, but for the close
    expect(parts.at(-1)).toEqual({ kind: "WINDOW", minutes: expect.closeTo(-10, 0) });
    expect((await terms(examId, special)).refusal.reason).toBe("EXAM_NOT_OPEN");
    expect((await terms(examId, outside)).refusal.reason).toBe("EXAM_CLOSED");
    expect(
      await app.refusal(`mutation ($id: ID!) { startAttempt(examId: $id) { id } }`, { id: examId }, outside.token),
    ).toBe("EXAM_CLOSED");
  });

  it("is listed for staff beside what single students get, and taken back", async () => {
    const [member] = students as [Person];
    const { examId } = await anExam(app.container, school);
    const [early, late] = [await aGroup("Early", [member]), await aGroup("Late", [member])];
    await accommodate(examId, { groupId: early, extraMinutes: 5 });
    await accommodate(examId, { userId: member.id, extraMinutes: 1 });
    await accommodate(examId, { groupId: late, extraMinutes: 2 });
    await accommodate(examId, { groupId: late, extraMinutes: 7 });
    const first = (await byTeacher(LIST, { id: examId })).examAccommodations;
    expect(first).toMatchObject({
      totalCount: 3,
      pageInfo: { hasNextPage: true },
      nodes: [
        { student: null, group: { name: "Late" }, extraMinutes: 7 },
        { student: { id: member.id }, group: null, extraMinutes: 1 },
      ],
    });
    const rest = (await byTeacher(LIST, { id: examId, after: first.pageInfo.endCursor })).examAccommodations;
    expect(rest).toMatchObject({ pageInfo: { hasNextPage: false }, nodes: [{ group: { name: "Early" } }] });

    expect((await terms(examId, member)).timeLimit.minutes).toBe(38);
    for (const _time of [1, 2])
      expect(await byTeacher(TAKE_BACK, { examId, groupId: late })).toEqual({ removeExamAccommodation: true });
    expect((await terms(examId, member)).timeLimit.minutes).toBe(36);
    await byTeacher(TAKE_BACK, { examId, userId: member.id });
    expect((await terms(examId, member)).timeLimit.minutes).toBe(35);
    await app.container.services.groups.delete(school.teacher.actor, early);
    expect((await terms(examId, member)).timeLimit.minutes).toBe(30);
    const acts = await app.container.db.auditEntry.findMany({
      where: { entityId: examId, action: "removeExamAccommodation" },
    });
    expect(acts).toHaveLength(2); // what changed nothing is not written down
  });

  it.each([
    ["both a person and a group", () => ({ userId: students[0]!.id, groupId: nothingsId() }), "BAD_USER_INPUT"],
    ["neither", () => ({}), "BAD_USER_INPUT"],
    ["a group that there is not", () => ({ groupId: nothingsId() }), "NOT_FOUND"],
    [
      "a close before the opening",
      () => ({ groupId: nothingsId(), opensAt: inMinutes(2), closesAt: inMinutes(1) }),
      "BAD_USER_INPUT",
    ],
  ])("is refused for %s", async (_what, wrong, refusal) => {
    const { examId } = await anExam(app.container, school);
    expect(await app.refusal(ACCOMMODATE, { input: { examId, ...wrong() } }, school.teacher.token)).toBe(refusal);
  });

  it("is no business of another course's groups", async () => {
    const { examId } = await anExam(app.container, school);
    const groupId = await aGroup("Late shift", students);
    const other = await aSchool(app.container);
    const { examId: foreign } = await anExam(app.container, other);
    const input = { groupId, extraMinutes: 5 };
    expect(await app.refusal(ACCOMMODATE, { input: { ...input, examId: foreign } }, other.teacher.token)).toBe(
      "NOT_FOUND",
    );
    const reason = "A fire alarm.";
    expect(
      await app.refusal(EXTEND, { input: { examId: foreign, groupId, minutes: 5, reason } }, other.teacher.token),
    ).toBe("NOT_FOUND");
    expect((await terms(examId, students[0]!)).grants).toEqual([]);
  });
});

describe("what a student knows before the start", () => {
  it("is when it opens for them, how long they will have, why, and that they cannot start yet", async () => {
    const [student] = students as [Person];
    const { examId } = await anExam(app.container, school, {
      rules: { opensAt: inMinutes(60), closesAt: inMinutes(120) },
    });
    const opensAt = inMinutes(30);
    await accommodate(examId, { groupId: await aGroup("Weak readers", [student]), extraTimePercent: 50, opensAt });
    const before = await terms(examId, student);
    expect(before).toEqual({
      opensAt,
      closesAt: expect.any(String),
      timeLimit: {
        minutes: 45,
        parts: [
          { kind: "BASE", minutes: 30 },
          { kind: "EXTRA_TIME", minutes: 15 },
        ],
      },
      attemptsAllowed: 1,
      attemptsLeft: 1,
      attemptId: null,
      refusal: { reason: "EXAM_NOT_OPEN", message: `This exam opens at ${opensAt}.` },
      grants: [{ source: "GROUP", extraTimePercent: 50, extraMinutes: 0, extraAttempts: 0, opensAt, closesAt: null }],
    });
    expect(JSON.stringify(before)).not.toContain("Weak");
  });

  it("is the attempt that is running, and then that none is left", async () => {
    const [student] = students as [Person];
    const { examId } = await anExam(app.container, school);
    const { id } = await app.container.services.attempts.start(student.actor, examId);
    expect(await terms(examId, student)).toMatchObject({ attemptId: id, attemptsLeft: 0, refusal: null });
    await app.container.services.attempts.submit(student.actor, id);
    expect(await terms(examId, student)).toMatchObject({ attemptId: null, refusal: { reason: "NO_ATTEMPTS_LEFT" } });
    expect(await terms(examId, school.teacher)).toBeNull();
  });
});

describe("a running exam", () => {
  it("is extended, paused, resumed and stopped for a group alone", async () => {
    const { examId } = await anExam(app.container, school);
    const { attempts } = app.container.services;
    for (const { actor } of students.slice(0, 3)) await attempts.start(actor, examId);
    const inGroup = new Set(idsOf(students.slice(1, 3)));
    const groupId = await aGroup("Room 2", students.slice(1)); // the last of them has not started
    const extended = await byTeacher(EXTEND, { input: { examId, groupId, minutes: 10, reason: "A fire alarm." } });
    expect(new Set(extended.extendExam.userIds)).toEqual(inGroup);
    const credits = await app.container.db.attempt.findMany({
      where: { examId },
      select: { userId: true, creditSeconds: true },
    });
    for (const { userId, creditSeconds } of credits) expect(creditSeconds).toBe(inGroup.has(userId) ? 600 : 0);
    for (const field of ["pauseExam", "resumeExam", "stopExam"]) {
      const operation = `mutation ($examId: ID!, $groupId: ID) {
        done: ${field}(examId: $examId, groupId: $groupId, reason: "A fire alarm.") { userIds }
      }`;
      expect(new Set((await byTeacher(operation, { examId, groupId })).done.userIds)).toEqual(inGroup);
    }
    const [act] = await app.container.db.auditEntry.findMany({ where: { action: "extendExam", entityId: examId } });
    expect(act!.after).toMatchObject({ groupId, minutes: 10 });
    const both = { examId, groupId, userIds: [students[0]!.id], minutes: 10, reason: "A fire alarm." };
    expect(await app.refusal(EXTEND, { input: both }, school.teacher.token)).toBe("BAD_USER_INPUT");
  });
});
