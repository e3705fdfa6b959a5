import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { aSchool, type School, somePeople } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

let app: TestApp;
let school: School;
beforeAll(async () => {
  app = await startTestApp();
  school = await aSchool(app.container);
});
afterAll(() => app.close());

const ENROLL = `mutation ($input: EnrollStudentsInput!) {
  enrollStudents(input: $input) { enrolled { user { email } role extraTimePercent } unknownEmails }
}`;
const enroll = (students: object[]) => ({ input: { courseId: school.courseId, students } });

describe("enrollStudents", () => {
  it("updates who is enrolled already, and says whom it does not know", async () => {
    const [student] = school.students;
    const { data } = await app.ask(
      ENROLL,
      enroll([{ email: student!.email.toUpperCase(), extraTimePercent: 50 }, { email: "nobody@school.example" }]),
      school.teacher.token,
    );
    expect(data.enrollStudents).toEqual({
      enrolled: [{ user: { email: student!.email }, role: "STUDENT", extraTimePercent: 50 }],
      unknownEmails: ["nobody@school.example"],
    });
  });

  it("makes nobody a teacher who is a student in the school, and then enrolls nobody", async () => {
    const [newcomer] = await somePeople(app.container, 1);
    const [colleague] = await somePeople(app.container, 1, "INSTRUCTOR");
    const wanted = [
      { email: colleague!.email, role: "INSTRUCTOR" },
      { email: newcomer!.email, role: "INSTRUCTOR" },
    ];
    expect(await app.refusal(ENROLL, enroll(wanted), school.teacher.token)).toBe("NOT_AN_INSTRUCTOR");
    const SEE = `query ($id: ID!) { course(id: $id) { viewerRole } }`;
    expect(await app.refusal(SEE, { id: school.courseId }, colleague!.token)).toBe("NOT_FOUND");
    await app.ask(ENROLL, enroll(wanted.slice(0, 1)), school.teacher.token);
    const seen = await app.ask(SEE, { id: school.courseId }, colleague!.token);
    expect(seen.data.course.viewerRole).toBe("INSTRUCTOR");
  });
});
