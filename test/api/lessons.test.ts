import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { aLesson, aSection, aVideo } from "../support/course.ts";
import { eventually } from "../support/eventually.ts";
import { anExam, aSchool, type Person, type School } from "../support/school.ts";
import { statementsOf } from "../support/statements.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { nothingsId } from "../support/world.ts";

let here: TestApp;
let there: TestApp; // a second process of the same installation
let school: School;
let teacher: string;
let student: Person;
beforeAll(async () => {
  here = await startTestApp();
  there = await startTestApp({ beside: here });
});
afterAll(async () => {
  await there.close();
  await here.close();
});
beforeEach(async () => {
  school = await aSchool(here.container);
  teacher = school.teacher.token;
  student = school.students[0]!;
});

const CONTENTS = "query ($id: ID!) { course(id: $id) { contents { title lessons { title } } } }";
const LESSON = "query ($id: ID!) { lesson(id: $id) { kind title text publishedAt exam { title } video { title } } }";
const UPDATE =
  "mutation ($id: ID!, $input: UpdateLessonInput!) { updateLesson(id: $id, input: $input) { title publishedAt } }";
const CREATE = "mutation ($input: CreateLessonInput!) { createLesson(input: $input) { id publishedAt } }";
const REORDER = `mutation ($course: ID!, $order: [LessonOrderInput!]!) {
  reorderLessons(courseId: $course, order: $order) { contents { title lessons { title } } }
}`;
const REORDER_SECTIONS = `mutation ($course: ID!, $ids: [ID!]!) {
  reorderSections(courseId: $course, sectionIds: $ids) { contents { title } }
}`;

type Section = { title: string; lessons: { title: string }[] };
const asText = (contents: Section[]) =>
  contents.map(({ title, lessons }) => `${title}: ${lessons.map((lesson) => lesson.title).join(" ")}`);

async function contentsFor({ token }: { token: string }, app = here): Promise<string[]> {
  const { data } = await app.ask(CONTENTS, { id: school.courseId }, token);
  return asText(data.course.contents);
}

/** Two sections, "one" with the lessons a and b, "two" with the lesson c; ids by title. */
async function aCourseWithLessons(options: { published?: boolean } = {}): Promise<Record<string, string>> {
  const one = await aSection(here.container, school, "one");
  const two = await aSection(here.container, school, "two");
  const lesson = (sectionId: string, title: string) =>
    aLesson(here.container, school, sectionId, { ...options, title });
  return { one, two, a: await lesson(one, "a"), b: await lesson(one, "b"), c: await lesson(two, "c") };
}

describe("the contents of a course", () => {
  it("are shown to staff in order, drafts too, and to students what is published", async () => {
    const { one, two } = await aCourseWithLessons();
    await aLesson(here.container, school, one!, { title: "draft", published: false });
    await here.container.services.sections.create(school.teacher.actor, school.courseId, "three");
    expect(await contentsFor(school.teacher)).toEqual(["one: a b draft", "two: c", "three: "]);
    expect(await contentsFor(student)).toEqual(["one: a b", "two: c"]);
    expect(two).toBeDefined();
  });

  it("are found by strangers as little as the course", async () => {
    const { a } = await aCourseWithLessons();
    const stranger = (await aSchool(here.container)).students[0]!.token;
    expect(await here.refusal(CONTENTS, { id: school.courseId }, stranger)).toBe("NOT_FOUND");
    expect(await here.refusal(LESSON, { id: a }, stranger)).toBe("NOT_FOUND");
  });

  it("show a text, an exam and a video, each where the viewer may see it", async () => {
    const section = await aSection(here.container, school);
    const { examId } = await anExam(here.container, school);
    const { examId: draftId } = await anExam(here.container, school, { publish: false });
    const ready = await aVideo(here.container, school, { status: "READY" });
    const unready = await aVideo(here.container, school, { status: "PROCESSING" });
    for (const given of [
      { text: "# Welcome" },
      { examId },
      { examId: draftId },
      { videoId: ready },
      { videoId: unready },
    ])
      await aLesson(here.container, school, section, given);
    const DETAILS = `query ($id: ID!) {
      course(id: $id) { contents { lessons { kind text exam { title } video { title status } } } }
    }`;
    const seenBy = async (token: string) =>
      (await here.ask(DETAILS, { id: school.courseId }, token)).data.course.contents[0].lessons;
    const text = { kind: "TEXT", text: "# Welcome", exam: null, video: null };
    const exam = { kind: "EXAM", text: null, exam: { title: "Midterm" }, video: null };
    const video = (status: string) => ({
      kind: "VIDEO",
      text: null,
      exam: null,
      video: { title: "How it works", status },
    });
    expect(await seenBy(teacher)).toEqual([text, exam, exam, video("READY"), video("PROCESSING")]);
    expect(await seenBy(student.token)).toEqual([
      text,
      exam,
      { ...exam, exam: null },
      video("READY"),
      { ...video("READY"), video: null },
    ]);
  });

  it("take as many statements for forty lessons as for four, and none once they are known", async () => {
    const DETAILS = `query ($id: ID!) {
      course(id: $id) { title contents { title lessons { title text video { title } exam { title } } } }
    }`;
    const { examId } = await anExam(here.container, school);
    const counts: number[] = [];
    for (const size of [4, 36]) {
      const section = await aSection(here.container, school);
      for (let index = 0; index < size / 4; index++) {
        const videoId = await aVideo(here.container, school, { status: "READY" });
        for (const given of [{}, { examId }, { videoId }, { text: "Another" }])
          await aLesson(here.container, school, section, given);
      }
      await here.container.cache.dropPattern("*");
      const ask = () => here.ask(DETAILS, { id: school.courseId }, student.token);
      counts.push((await statementsOf(here, ask)).length);
      expect(await statementsOf(here, ask)).toEqual([]);
    }
    // The misses come back from Redis in a few bunches, each loaded at once.
    expect(counts[1]! - counts[0]!).toBeLessThanOrEqual(9);
    expect(counts[1]).toBeLessThanOrEqual(24);
  });
});

describe("access to lessons", () => {
  it("ends in every process with the withdrawal, and comes back with the enrolment", async () => {
    const { a } = await aCourseWithLessons();
    for (const app of [here, there]) {
      expect((await app.ask(LESSON, { id: a }, student.token)).errors).toBeUndefined();
      expect(await contentsFor(student, app)).toEqual(["one: a b", "two: c"]);
    }
    await here.ask(
      "mutation ($course: ID!, $user: ID!) { withdrawStudent(courseId: $course, userId: $user) { id } }",
      { course: school.courseId, user: student.id },
      teacher,
    );
    expect(await here.refusal(LESSON, { id: a }, student.token)).toBe("NOT_FOUND");
    expect(await here.refusal(CONTENTS, { id: school.courseId }, student.token)).toBe("NOT_FOUND");
    await eventually(
      "the other process refuses too",
      async () =>
        (await there.refusal(LESSON, { id: a }, student.token)) === "NOT_FOUND" &&
        (await there.refusal(CONTENTS, { id: school.courseId }, student.token)) === "NOT_FOUND",
    );
    await there.ask(
      "mutation ($input: EnrollStudentsInput!) { enrollStudents(input: $input) { unknownEmails } }",
      { input: { courseId: school.courseId, students: [{ email: student.email }] } },
      teacher,
    );
    expect((await there.ask(LESSON, { id: a }, student.token)).errors).toBeUndefined();
  });

  it("begins when a lesson is published and ends when it is not, in every process", async () => {
    const { a } = await aCourseWithLessons({ published: false });
    const shownThere = async () => !(await there.refusal(LESSON, { id: a }, student.token));
    expect(await shownThere()).toBe(false);
    const { data } = await here.ask(UPDATE, { id: a, input: { published: true } }, teacher);
    expect(data.updateLesson.publishedAt).not.toBeNull();
    expect(await contentsFor(student)).toEqual(["one: a"]);
    await eventually("the other process shows it", shownThere);
    await here.ask(UPDATE, { id: a, input: { published: false } }, teacher);
    expect(await contentsFor(student)).toEqual([]);
    await eventually("the other process hides it", async () => !(await shownThere()));
  });

  it("reaches lessons by node too", async () => {
    const { a } = await aCourseWithLessons();
    const NODE = "query ($id: ID!) { node(id: $id) { __typename id } }";
    expect((await here.ask(NODE, { id: a }, student.token)).data.node).toEqual({ __typename: "Lesson", id: a });
    await here.ask(UPDATE, { id: a, input: { published: false } }, teacher);
    expect((await here.ask(NODE, { id: a }, student.token)).data.node).toBeNull();
  });
});

describe("a lesson", () => {
  it("is a draft at first and keeps the time of its publication", async () => {
    const section = await aSection(here.container, school);
    const input = { sectionId: section, kind: "TEXT", title: " Welcome ", text: "Hello", videoId: null };
    const created = await here.ask(CREATE, { input }, teacher);
    expect(created.data.createLesson.publishedAt).toBeNull();
    const { id } = created.data.createLesson;
    const publish = () => here.ask(UPDATE, { id, input: { published: true } }, teacher);
    const first = await publish();
    expect((await publish()).data).toEqual(first.data);
    const changed = await here.ask(UPDATE, { id, input: { title: "Hello", text: "Changed" } }, teacher);
    expect(changed.data.updateLesson).toEqual({ ...first.data.updateLesson, title: "Hello" });
    expect((await here.ask(LESSON, { id }, student.token)).data.lesson).toMatchObject({
      title: "Hello",
      text: "Changed",
    });
  });

  it("shows something of its own kind and of its own course", async () => {
    const section = await aSection(here.container, school);
    const other = await aSchool(here.container);
    const foreignVideo = await aVideo(here.container, other);
    const { examId: foreignExam } = await anExam(here.container, other);
    const create = (given: object) =>
      here.refusal(CREATE, { input: { sectionId: section, title: "Lesson", ...given } }, teacher);
    expect(await create({ kind: "VIDEO" })).toBe("BAD_USER_INPUT");
    expect(await create({ kind: "TEXT", text: "Hello", videoId: foreignVideo })).toBe("BAD_USER_INPUT");
    expect(await create({ kind: "VIDEO", videoId: foreignVideo })).toBe("NOT_FOUND");
    expect(await create({ kind: "EXAM", examId: foreignExam })).toBe("NOT_FOUND");
    const id = await aLesson(here.container, school, section);
    expect(await here.refusal(UPDATE, { id, input: { videoId: foreignVideo } }, teacher)).toBe("BAD_USER_INPUT");
    expect(await here.refusal(UPDATE, { id, input: { text: null } }, teacher)).toBe("BAD_USER_INPUT");
    const { errors } = await here.ask(UPDATE, { id, input: { title: " " } }, teacher);
    expect(errors?.[0]?.extensions.fields).toEqual([{ path: "input.title", message: "is empty" }]);
  });

  it("is removed once, and what it shows stays", async () => {
    const section = await aSection(here.container, school);
    const videoId = await aVideo(here.container, school, { status: "READY" });
    const id = await aLesson(here.container, school, section, { videoId });
    const VIDEO = "query ($id: ID!) { video(id: $id) { title } }";
    expect((await here.ask(VIDEO, { id: videoId }, student.token)).errors).toBeUndefined();
    const REMOVE = "mutation ($id: ID!) { deleteLesson(id: $id) }";
    const stranger = (await aSchool(here.container)).teacher.token;
    const removals = [];
    for (const token of [stranger, teacher, teacher])
      removals.push((await here.ask(REMOVE, { id }, token)).data.deleteLesson);
    expect(removals).toEqual([false, true, false]);
    expect(await here.refusal(LESSON, { id }, teacher)).toBe("NOT_FOUND");
    expect(await here.refusal(VIDEO, { id: videoId }, student.token)).toBe("NOT_FOUND");
    expect((await here.ask(VIDEO, { id: videoId }, teacher)).errors).toBeUndefined();
  });
});

describe("sections", () => {
  it("are renamed, put in order and removed when nothing is in them", async () => {
    const { one, two, c } = await aCourseWithLessons();
    await here.ask(`mutation ($id: ID!) { updateSection(id: $id, title: "uno") { id } }`, { id: one }, teacher);
    const ordered = await here.ask(REORDER_SECTIONS, { course: school.courseId, ids: [two, one] }, teacher);
    expect(ordered.data.reorderSections.contents).toEqual([{ title: "two" }, { title: "uno" }]);
    const REMOVE = "mutation ($id: ID!) { deleteSection(id: $id) { contents { title } } }";
    expect(await here.refusal(REMOVE, { id: two }, teacher)).toBe("SECTION_NOT_EMPTY");
    await here.container.services.lessons.remove(school.teacher.actor, c!);
    const { data } = await here.ask(REMOVE, { id: two }, teacher);
    expect(data.deleteSection.contents).toEqual([{ title: "uno" }]);
    expect(await here.refusal(REMOVE, { id: two }, teacher)).toBe("NOT_FOUND");
  });

  it("are put in order all together, each once, and none of another course", async () => {
    const { one, two } = await aCourseWithLessons();
    const foreign = await aSection(here.container, await aSchool(here.container));
    const reorder = (ids: unknown[]) => here.refusal(REORDER_SECTIONS, { course: school.courseId, ids }, teacher);
    expect(await reorder([one])).toBe("ORDER_INCOMPLETE");
    expect(await reorder([one, two, one])).toBe("BAD_USER_INPUT");
    expect(await reorder([one, two, foreign])).toBe("NOT_FOUND");
    expect(await contentsFor(school.teacher)).toEqual(["one: a b", "two: c"]);
  });

  it("are bounded in number, as are lessons", async () => {
    const section = await aSection(here.container, school);
    const { courseId } = school;
    const { db } = here.container;
    await db.courseSection.createMany({
      data: Array.from({ length: 99 }, (_, position) => ({ id: nothingsId(), courseId, position, title: "More" })),
    });
    const ADD = `mutation ($id: ID!) { createSection(courseId: $id, title: "One more") { id } }`;
    expect(await here.refusal(ADD, { id: courseId }, teacher)).toBe("COURSE_FULL");
    await db.lesson.createMany({
      data: Array.from({ length: 500 }, (_, position) => ({
        id: nothingsId(),
        courseId,
        sectionId: section,
        position,
        kind: "TEXT" as const,
        title: "More",
      })),
    });
    const input = { sectionId: section, kind: "TEXT", title: "One more", text: "" };
    expect(await here.refusal(CREATE, { input }, teacher)).toBe("COURSE_FULL");
  });
});

describe("reorderLessons", () => {
  const reorder = (order: object[], token = teacher) => here.ask(REORDER, { course: school.courseId, order }, token);

  it("puts lessons in order, also across sections, in every process", async () => {
    const { one, two, a, b, c } = await aCourseWithLessons();
    expect(await contentsFor(student, there)).toEqual(["one: a b", "two: c"]);
    const across = await reorder([
      { sectionId: one, lessonIds: [b] },
      { sectionId: two, lessonIds: [c, a] },
    ]);
    expect(asText(across.data.reorderLessons.contents)).toEqual(["one: b", "two: c a"]);
    await eventually(
      "the other process has the new order",
      async () => (await contentsFor(student, there)).join() === "one: b,two: c a",
    );
    const movedIn = await reorder([{ sectionId: one, lessonIds: [a, b] }]); // from a section that is not named
    expect(asText(movedIn.data.reorderLessons.contents)).toEqual(["one: a b", "two: c"]);
    expect((await here.container.services.lessons.get(student.actor, a!)).sectionId).toBe(one);
  });

  it("refuses what would lose a lesson, or have it twice, or bring one from elsewhere", async () => {
    const { one, two, a, b, c } = await aCourseWithLessons();
    const other = await aSchool(here.container);
    const foreign = await aLesson(here.container, other, await aSection(here.container, other));
    const refusalOf = async (order: object[]) => {
      const { extensions } = (await reorder(order)).errors![0]!;
      return extensions.reason ?? extensions.code;
    };
    expect(await refusalOf([{ sectionId: one, lessonIds: [a] }])).toBe("ORDER_INCOMPLETE");
    expect(await refusalOf([{ sectionId: one, lessonIds: [a, b, a] }])).toBe("BAD_USER_INPUT");
    expect(await refusalOf([{ sectionId: one, lessonIds: [a, b, foreign] }])).toBe("NOT_FOUND");
    expect(await refusalOf([{ sectionId: nothingsId(), lessonIds: [a] }])).toBe("NOT_FOUND");
    expect(
      await refusalOf([
        { sectionId: two, lessonIds: [c] },
        { sectionId: two, lessonIds: [] },
      ]),
    ).toBe("BAD_USER_INPUT");
    expect(await contentsFor(school.teacher)).toEqual(["one: a b", "two: c"]);
  });

  it("leaves every lesson in one place when many reorder, add and remove at once", async () => {
    const { one, two, a, b, c } = await aCourseWithLessons();
    const orders = [
      { [one!]: [a, b], [two!]: [c] },
      { [one!]: [], [two!]: [c, b, a] },
      { [one!]: [c, a, b], [two!]: [] },
      { [one!]: [b], [two!]: [a, c] },
    ];
    const { lessons } = here.container.services;
    const outcomes = await Promise.allSettled([
      ...Array.from({ length: 24 }, (_, index) =>
        lessons.reorder(
          school.teacher.actor,
          school.courseId,
          Object.entries(orders[index % 4]!).map(([sectionId, lessonIds]) => ({ sectionId, lessonIds })),
        ),
      ),
      aLesson(here.container, school, two!, { title: "d" }),
      lessons.remove(school.teacher.actor, c!),
    ]);
    const reasons = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
    // Whoever comes after the new lesson or the removal has an order of yesterday and is told so.
    for (const { code, reason } of reasons) expect(["NOT_FOUND", "ORDER_INCOMPLETE"]).toContain(reason ?? code);
    const rows = await here.container.db.lesson.findMany({ where: { courseId: school.courseId } });
    expect(rows.map(({ title }) => title).sort()).toEqual(["a", "b", "d"]);
    const places = rows.map(({ sectionId, position }) => `${sectionId} ${position}`);
    expect(new Set(places).size).toBe(3);
    const shown = (await contentsFor(school.teacher))
      .flatMap((line) => line.split(": ")[1]!.split(" "))
      .filter(Boolean);
    expect(shown.sort()).toEqual(["a", "b", "d"]);
  });
});
