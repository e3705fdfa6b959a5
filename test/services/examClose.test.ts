import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import fc from "fast-check";
import { uuidv7 } from "uuidv7";
import { eligibilities } from "../../src/services/eligibility.ts";
import { closedForAllAt } from "../../src/services/examClose.ts";
import { anExam, aSchool, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

const MINUTE = 60_000;
const STUDENTS = 4;
const GROUPS = 3;
const DAY = Date.parse("2030-06-01T00:00:00Z");

let app: TestApp;
let school: School;
let examId: string;
let groupIds: string[];
beforeAll(async () => {
  app = await startTestApp();
  school = await aSchool(app.container, { students: STUDENTS });
  ({ examId } = await anExam(app.container, school));
  groupIds = [];
  for (let number = 0; number < GROUPS; number++) {
    const given = { courseId: school.courseId, name: `Group ${number}` };
    groupIds.push((await app.container.services.groups.create(school.teacher.actor, given)).id);
  }
});
afterAll(() => app.close());

const minutes = fc.integer({ min: 0, max: 24 * 60 });
const grant = { extraTimePercent: fc.nat(400), extraMinutes: fc.nat(120) };
const override = fc.record({ ...grant, closesAt: fc.option(minutes, { freq: 3 }) });
const aCourse = fc.record({
  durationMinutes: fc.integer({ min: 1, max: 180 }),
  closesAt: fc.option(minutes, { freq: 8 }),
  students: fc.array(
    fc.record({
      ...grant,
      coursePercent: fc.nat(400),
      own: fc.option(override),
      groups: fc.subarray([...Array(GROUPS).keys()]),
    }),
    { minLength: STUDENTS, maxLength: STUDENTS },
  ),
  groups: fc.array(fc.option(override), { minLength: GROUPS, maxLength: GROUPS }),
});
type Course = typeof aCourse extends fc.Arbitrary<infer Made> ? Made : never;

const date = (minute: number | null) => (minute === null ? null : new Date(DAY + minute * MINUTE));

/** Puts all of it into the database, in place of what was there. */
async function setUp({ durationMinutes, closesAt, students, groups }: Course): Promise<void> {
  const { db } = app.container;
  await db.exam.update({ where: { id: examId }, data: { durationMinutes, closesAt: date(closesAt) } });
  await db.courseGroupMember.deleteMany();
  await db.examAccommodation.deleteMany();
  for (const [index, { coursePercent, own: _own, groups: _groups, ...data }] of students.entries()) {
    const userId = school.students[index]!.id;
    await db.user.update({ where: { id: userId }, data });
    await db.enrollment.updateMany({ where: { userId }, data: { extraTimePercent: coursePercent } });
  }
  const given = [
    ...students.map(({ own }, index) => own && { ...own, userId: school.students[index]!.id }),
    ...groups.map((group, index) => group && { ...group, groupId: groupIds[index]! }),
  ].filter((one) => one !== null);
  await db.examAccommodation.createMany({
    data: given.map((one) => ({ ...one, id: uuidv7(), examId, closesAt: date(one.closesAt) })),
  });
  await db.courseGroupMember.createMany({
    data: students.flatMap((student, index) =>
      student.groups.map((group) => ({ groupId: groupIds[group]!, userId: school.students[index]!.id })),
    ),
  });
}

describe("when an exam has closed for its last student", () => {
  it("is the latest close that the fair clock gives any of them, whatever person, course, exam and groups give", async () => {
    const { db } = app.container;
    const agrees = fc.asyncProperty(aCourse, async (course) => {
      await setUp(course);
      const closes = [date(course.closesAt)];
      const eligible = await eligibilities(
        db,
        school.students.map(({ id }) => ({ examId, userId: id })),
      );
      for (const one of eligible) closes.push(one!.window.closesAt);
      const [row] = await db.$queryRaw<{ at: Date | null }[]>`
        SELECT ${closedForAllAt} AS at FROM exams exam WHERE exam.id = ${examId}::uuid`;
      const expected =
        course.closesAt === null ? null : new Date(Math.max(...closes.map((time) => time?.getTime() ?? 0)));
      expect(row!.at).toEqual(expected);
    });
    await fc.assert(agrees, { numRuns: 60, seed: 20_261_129, endOnFailure: true });
  }, 60_000);
});
