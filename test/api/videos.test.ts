import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { CACHE_KEYS } from "../../src/redis/cacheKeys.ts";
import { aLesson, aSection, aVideo } from "../support/course.ts";
import { eventually } from "../support/eventually.ts";
import { aSchool, type Person, type School } from "../support/school.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";

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

const CREATE = `mutation ($input: CreateVideoInput!) {
  createVideo(input: $input) { id title description status requiredPercent mustSee { from to } durationSeconds error }
}`;
const UPDATE = `mutation ($id: ID!, $input: UpdateVideoInput!) {
  updateVideo(id: $id, input: $input) { title description requiredPercent mustSee { from to } }
}`;
const DELETE = "mutation ($id: ID!) { deleteVideo(id: $id) }";
const VIDEO = "query ($id: ID!) { video(id: $id) { title status error } }";
const VIDEOS = `query ($course: ID!, $status: VideoStatus, $first: Int, $after: String) {
  videos(courseId: $course, status: $status, first: $first, after: $after) {
    totalCount nodes { id status } pageInfo { hasNextPage endCursor }
  }
}`;

describe("a video", () => {
  it("is made by staff and waits for its file", async () => {
    const input = { courseId: school.courseId, title: " Cells " };
    const { data } = await here.ask(CREATE, { input }, teacher);
    expect(data.createVideo).toEqual({
      id: expect.any(String),
      title: "Cells",
      description: "",
      status: "UPLOADING",
      requiredPercent: 90,
      mustSee: [],
      durationSeconds: null,
      error: null,
    });
    const stranger = (await aSchool(here.container)).teacher.token;
    expect(await here.refusal(CREATE, { input }, stranger)).toBe("NOT_FOUND");
  });

  it("changes where something is given, and keeps its must-see parts in order", async () => {
    const id = await aVideo(here.container, school);
    const input = {
      description: "About cells",
      mustSee: [
        { from: 10, to: 12.3456 },
        { from: 0, to: 2 },
      ],
    };
    const { data } = await here.ask(UPDATE, { id, input }, teacher);
    expect(data.updateVideo).toEqual({
      title: "How it works",
      description: "About cells",
      requiredPercent: 90,
      mustSee: [
        { from: 0, to: 2 },
        { from: 10, to: 12.346 },
      ],
    });
    const again = await here.ask(UPDATE, { id, input: { requiredPercent: 50 } }, teacher);
    expect(again.data.updateVideo).toEqual({ ...data.updateVideo, requiredPercent: 50 });
  });

  it.each([
    [{ title: "" }, "input.title"],
    [{ requiredPercent: 0 }, "input.requiredPercent"],
    [{ requiredPercent: 101 }, "input.requiredPercent"],
    [{ mustSee: [{ from: 2, to: 2 }] }, "input.mustSee.0"],
    [{ mustSee: [{ from: -1, to: 2 }] }, "input.mustSee.0.from"],
    [{ mustSee: [{ from: 1, to: 5.001 }] }, "input.mustSee.0.to"],
  ])("refuses %j and names the field", async (input, path) => {
    const id = await aVideo(here.container, school, { durationMs: 5_000 });
    const { errors } = await here.ask(UPDATE, { id, input }, teacher);
    expect(errors?.[0]?.extensions).toMatchObject({ code: "BAD_USER_INPUT", fields: [{ path }] });
  });

  it("is seen by students while it is READY and a published lesson shows it, in every process", async () => {
    const id = await aVideo(here.container, school, { status: "READY" });
    const isSeen = async (app: TestApp) => !(await app.refusal(VIDEO, { id }, student.token));
    const become = (seen: boolean) =>
      eventually(`it is ${seen ? "shown" : "hidden"}`, async () => (await isSeen(there)) === seen);
    expect(await isSeen(here)).toBe(false);
    expect(await isSeen(there)).toBe(false);
    expect((await there.ask(VIDEO, { id }, teacher)).data.video.status).toBe("READY");
    const lesson = await aLesson(here.container, school, await aSection(here.container, school), { videoId: id });
    expect(await isSeen(here)).toBe(true);
    await become(true);
    const { lessons, courses } = here.container.services;
    await lessons.update(school.teacher.actor, lesson, { published: false });
    expect(await isSeen(here)).toBe(false);
    await become(false);
    await lessons.update(school.teacher.actor, lesson, { published: true });
    await become(true);
    const instead = await aVideo(here.container, school, { status: "READY" });
    await lessons.update(school.teacher.actor, lesson, { videoId: instead });
    expect(await isSeen(here)).toBe(false);
    await become(false);
    await lessons.update(school.teacher.actor, lesson, { videoId: id });
    await become(true);
    await courses.withdraw(school.teacher.actor, school.courseId, student.id);
    expect(await isSeen(here)).toBe(false);
    await become(false);
  });

  it("tells why it failed to staff only, and is found by its id", async () => {
    const id = await aVideo(here.container, school, { status: "READY" });
    await aLesson(here.container, school, await aSection(here.container, school), { videoId: id });
    await here.container.db.video.update({ where: { id }, data: { error: "a secret of the kitchen" } });
    await here.container.cache.drop(CACHE_KEYS.VIDEO(id));
    const NODE = "query ($id: ID!) { node(id: $id) { __typename ... on Video { error } } }";
    const seenBy = async (token: string) => (await here.ask(NODE, { id }, token)).data.node;
    expect(await seenBy(teacher)).toEqual({ __typename: "Video", error: "a secret of the kitchen" });
    expect(await seenBy(student.token)).toEqual({ __typename: "Video", error: null });
    expect(await seenBy((await aSchool(here.container)).teacher.token)).toBeNull();
  });
});

describe("videos", () => {
  it("lists those of a course for its staff, newest first, by status and in pages", async () => {
    const first = await aVideo(here.container, school);
    const second = await aVideo(here.container, school, { status: "READY" });
    const third = await aVideo(here.container, school);
    const list = async (variables: object, token = teacher) =>
      (await here.ask(VIDEOS, { course: school.courseId, ...variables }, token)).data.videos;
    const page = await list({ first: 2 });
    expect(page).toMatchObject({
      totalCount: 3,
      nodes: [{ id: third }, { id: second }],
      pageInfo: { hasNextPage: true },
    });
    expect(await list({ first: 2, after: page.pageInfo.endCursor })).toMatchObject({ nodes: [{ id: first }] });
    expect(await list({ status: "READY" })).toMatchObject({ totalCount: 1, nodes: [{ id: second }] });
    const stranger = (await aSchool(here.container)).teacher.token;
    expect(await here.refusal(VIDEOS, { course: school.courseId }, stranger)).toBe("NOT_FOUND");
    expect(await here.refusal(VIDEOS, { course: school.courseId }, student.token)).toBe("FORBIDDEN");
  });
});

describe("deleteVideo", () => {
  const jobsFor = (videoId: string) =>
    here.container.db.outboxJob.count({
      where: { name: "removeVideoFiles", payload: { path: ["videoId"], equals: videoId } },
    });

  it("removes the video with what was watched of it, and asks once for its files to be removed", async () => {
    const id = await aVideo(here.container, school, { status: "READY", durationMs: 5_000 });
    const { db } = here.container;
    await db.watchProgress.create({ data: { userId: student.id, videoId: id, updatedAt: "2027-01-01T00:00:00Z" } });
    expect((await there.ask(VIDEO, { id }, teacher)).errors).toBeUndefined();
    expect((await here.ask(DELETE, { id }, teacher)).data.deleteVideo).toBe(true);
    expect(await here.refusal(DELETE, { id }, teacher)).toBe("NOT_FOUND");
    expect(await here.refusal(VIDEO, { id }, teacher)).toBe("NOT_FOUND");
    await eventually("gone there too", async () => (await there.refusal(VIDEO, { id }, teacher)) === "NOT_FOUND");
    expect(await db.watchProgress.count({ where: { videoId: id } })).toBe(0);
    expect(await jobsFor(id)).toBe(1);
    expect(await db.auditEntry.count({ where: { action: "deleteVideo", entityId: id } })).toBe(1);
  });

  it("refuses while a lesson shows the video, and names the lesson", async () => {
    const id = await aVideo(here.container, school);
    await aLesson(here.container, school, await aSection(here.container, school), { videoId: id, title: "Cells" });
    const { errors } = await here.ask(DELETE, { id }, teacher);
    expect(errors?.[0]).toMatchObject({
      message: expect.stringContaining('"Cells"'),
      extensions: { reason: "VIDEO_IN_USE" },
    });
    expect(await jobsFor(id)).toBe(0);
  });

  it("and a new lesson at the same moment end in one of two ways, never with a lesson of nothing", async () => {
    const section = await aSection(here.container, school);
    for (let round = 0; round < 10; round++) {
      const id = await aVideo(here.container, school);
      const [made, removed] = await Promise.allSettled([
        aLesson(here.container, school, section, { videoId: id }),
        here.container.services.videos.remove(school.teacher.actor, id),
      ]);
      const refusal = made.status === "rejected" ? made.reason : removed.status === "rejected" && removed.reason;
      expect(refusal.reason ?? refusal.code).toBe(made.status === "rejected" ? "NOT_FOUND" : "VIDEO_IN_USE");
      expect(await jobsFor(id)).toBe(removed.status === "fulfilled" ? 1 : 0);
    }
  });
});
