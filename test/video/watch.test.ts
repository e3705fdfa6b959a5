import { afterAll, beforeAll, beforeEach, describe, expect, it } from "@jest/globals";
import { uuidv7 } from "uuidv7";
import { CACHE_KEYS } from "../../src/redis/cacheKeys.ts";
import { createWatchBuffer, type WatchBuffer } from "../../src/redis/watchBuffer.ts";
import { createWatchFlush } from "../../src/services/watchFlush.ts";
import { createLink } from "../redis/link.ts";
import { eventually } from "../support/eventually.ts";
import type { Person, School } from "../support/school.ts";
import { statementsOf } from "../support/statements.ts";
import { startTestApp, type TestApp } from "../support/testApp.ts";
import { testRedis } from "../support/testDatabase.ts";
import { aVideoToWatch, passSeconds, stopClock } from "../support/viewers.ts";

let app: TestApp;
let redis: { queueRedis: TestApp["container"]["queueRedis"]; prefix: string };
let buffer: WatchBuffer;
let school: School;
let videoId: string;
let student: Person;
beforeAll(async () => {
  app = await startTestApp();
  redis = { queueRedis: app.container.queueRedis, prefix: app.config.REDIS_PREFIX };
  buffer = createWatchBuffer({ redis: redis.queueRedis, prefix: redis.prefix, newId: uuidv7 });
});
afterAll(() => app.close());
beforeEach(async () => {
  ({ school, videoId } = await aVideoToWatch(app.container, { students: 2 }));
  student = school.students[0]!;
  await passSeconds(redis, student, 3_600); // they have time for all of it
});

const PROGRESS = "position seenSeconds percent seen { from to } completedAt";
const RECORD = `mutation ($videoId: ID!, $intervals: [SecondsRangeInput!]!, $position: Float!) {
  result: recordWatchProgress(videoId: $videoId, intervals: $intervals, position: $position) { ${PROGRESS} }
}`;
const VIDEO = `query ($id: ID!) { video(id: $id) { progress { ${PROGRESS} } retention { viewers counts } } }`;

const parts = (...intervals: [number, number][]) => intervals.map(([from, to]) => ({ from, to }));
const watched = (...intervals: [number, number][]) => ({
  videoId,
  intervals: parts(...intervals),
  position: intervals.at(-1)?.[1] ?? 0,
});
async function record(person: Person, variables: object) {
  const { data, errors } = await app.ask(RECORD, variables as Record<string, unknown>, person.token);
  expect(errors).toBeUndefined();
  return data.result;
}
const progressOf = async (person: Person) => (await app.ask(VIDEO, { id: videoId }, person.token)).data.video.progress;
const flush = () => app.container.services.watchFlush.flush();
const rowOf = (person: Person) =>
  app.container.db.watchProgress.findUnique({ where: { userId_videoId: { userId: person.id, videoId } } });
async function forgetInRedis() {
  const keys = await redis.queueRedis.keys(`${redis.prefix}:watch:seen:*`);
  await redis.queueRedis.del(...keys);
}

describe("watching a video", () => {
  it("counts what is seen twice once, and what is skipped not at all", async () => {
    await record(student, watched([0, 20], [10, 30]));
    expect(await record(student, watched([5, 15], [80, 90]))).toEqual({
      position: 90,
      seenSeconds: 40,
      percent: 40,
      seen: parts([0, 30], [80, 90]),
      completedAt: null,
    });
    await flush();
    expect(await record(student, watched([0, 30]))).toMatchObject({ seenSeconds: 40, position: 30 });
  });

  it("asks PostgreSQL nothing once it knows viewer and video, before a flush and after it", async () => {
    await record(student, watched([0, 1]));
    expect(await statementsOf(app, () => record(student, watched([1, 2])))).toEqual([]);
    await flush();
    expect(await statementsOf(app, () => record(student, watched([2, 3])))).toEqual([]);
    expect((await progressOf(student)).seenSeconds).toBe(3);
  });

  it("goes on where the viewer was last, on whichever device", async () => {
    expect(await progressOf(student)).toBeNull();
    await record(student, watched([0, 50]));
    await flush();
    await record(student, watched([10, 20])); // on the telephone, from the beginning once more
    expect((await progressOf(student)).position).toBe(20);
    await flush();
    await forgetInRedis();
    expect(await progressOf(student)).toMatchObject({ position: 20, seenSeconds: 50 });
  });

  it("keeps each viewer's progress to themselves", async () => {
    await record(student, watched([0, 20]));
    expect(await progressOf(school.students[1]!)).toBeNull();
  });

  it("takes a position alone", async () => {
    expect(await record(student, { videoId, intervals: [], position: 42 })).toMatchObject({
      position: 42,
      seenSeconds: 0,
    });
  });

  it("forgives a player that ends a little after the video", async () => {
    expect(await record(student, watched([90, 100.8]))).toMatchObject({ position: 100, seenSeconds: 10 });
  });

  it.each([
    ["a beginning before the video", { intervals: parts([-1, 5]), position: 5 }, "intervals.0.from"],
    ["an end before its beginning", { intervals: parts([0, 1], [5, 4]), position: 4 }, "intervals.1"],
    ["an empty interval", { intervals: parts([5, 5]), position: 5 }, "intervals.0"],
    ["an end after the video", { intervals: parts([5, 101.5]), position: 5 }, "intervals.0.to"],
    ["a position after the video", { intervals: [], position: 102 }, "position"],
    [
      "too many intervals",
      { intervals: Array.from({ length: 101 }, (_, at) => ({ from: at / 2, to: at / 2 + 0.1 })), position: 1 },
      "intervals",
    ],
  ])("refuses %s and names it", async (_what, given, path) => {
    const { errors } = await app.ask(RECORD, { videoId, ...given }, student.token);
    expect(errors?.[0]?.extensions).toMatchObject({ code: "BAD_USER_INPUT", fields: [{ path }] });
    expect(await progressOf(student)).toBeNull();
  });

  it("is over for somebody who is withdrawn from the course, at once", async () => {
    await record(student, watched([0, 5]));
    await app.container.services.courses.withdraw(school.teacher.actor, school.courseId, student.id);
    expect(await app.refusal(RECORD, watched([5, 10]), student.token)).toBe("NOT_FOUND");
  });

  it("begins when the video is ready", async () => {
    await app.container.db.video.update({ where: { id: videoId }, data: { status: "PROCESSING" } });
    await app.container.cache.drop(CACHE_KEYS.VIDEO(videoId));
    expect(await app.refusal(RECORD, watched([0, 5]), student.token)).toBe("NOT_FOUND");
    expect(await app.refusal(RECORD, watched([0, 5]), school.teacher.token)).toBe("VIDEO_NOT_READY");
  });
});

describe("the clock", () => {
  it("leaves out seconds that nobody can have seen since their last call", async () => {
    await stopClock(redis, student, 5_000);
    expect(await record(student, watched([0, 2], [10, 60]))).toMatchObject({
      seen: parts([0, 2], [10, 13]),
      position: 60,
    });
    expect((await record(student, watched([60, 100]))).seenSeconds).toBeLessThan(40); // and what has passed since
  });

  it("allows two seconds of the video for each of its own", async () => {
    await passSeconds(redis, student, 10);
    const { seenSeconds } = await record(student, watched([0, 100]));
    expect(seenSeconds).toBeGreaterThanOrEqual(20);
    expect(seenSeconds).toBeLessThan(100);
  });

  it("allows a newcomer half a minute", async () => {
    expect(await record(school.students[1]!, watched([0, 100]))).toMatchObject({ seenSeconds: 30 });
  });

  it("is one for all videos a person watches", async () => {
    const other = await aVideoToWatch(app.container);
    await app.container.services.courses.enroll(other.school.teacher.actor, {
      courseId: other.school.courseId,
      students: [{ email: student.email, extraTimePercent: 0, role: "STUDENT" }],
    });
    await stopClock(redis, student, 12_000);
    await record(student, watched([0, 10]));
    const there = await record(student, { ...watched([0, 10]), videoId: other.videoId });
    expect(there.seenSeconds).toBeGreaterThanOrEqual(2);
    expect(there.seenSeconds).toBeLessThan(10);
  });

  it("charges nothing for what is sent again", async () => {
    await stopClock(redis, student, 15_000);
    await record(student, watched([0, 10]));
    await flush();
    expect(await record(student, watched([0, 10], [10, 15]))).toMatchObject({ seen: parts([0, 15]) });
  });
});

describe("flushing", () => {
  it("writes many viewers with as many statements as one", async () => {
    await flush();
    const alone = await statementsOf(app, async () => {
      await record(student, watched([0, 10]));
      await flush();
    });
    const many = await aVideoToWatch(app.container, { students: 40 });
    for (const { id } of many.school.students)
      await buffer.record(
        { userId: id, videoId: many.videoId },
        { intervals: [[0, 7_000]], positionMs: 7_000 },
        { seen: [], completedAt: null },
      );
    const together = await statementsOf(app, flush);
    const writes = (statements: string[]) => statements.filter((text) => text.includes("INSERT INTO watch_progress"));
    expect([writes(alone).length, writes(together).length]).toEqual([1, 1]);
    expect(together.length).toBeLessThanOrEqual(4);
    const rows = await app.container.db.watchProgress.findMany({ where: { videoId: many.videoId } });
    expect(rows.map(({ seenMs, positionMs }) => [seenMs, positionMs])).toEqual(Array(40).fill([7_000, 7_000]));
    expect(await flush()).toBe(0);
  });

  it("keeps what arrives between the commit and its end", async () => {
    await record(student, watched([0, 10]));
    const interrupted = createWatchFlush({
      db: app.container.db,
      watchBuffer: {
        ...buffer,
        settle: async (written) => {
          await record(student, watched([20, 30]));
          await buffer.settle(written);
        },
      },
    });
    await interrupted.flush();
    expect((await rowOf(student))?.seenMs).toBe(10_000);
    await flush();
    expect(await rowOf(student)).toMatchObject({ seenMs: 20_000, positionMs: 30_000 });
  });

  it("writes the same once more after a crash between the commit and its end", async () => {
    await record(student, watched([0, 10]));
    const settle = () => Promise.reject(new Error("killed"));
    const killed = createWatchFlush({ db: app.container.db, watchBuffer: { ...buffer, settle } });
    await expect(killed.flush()).rejects.toThrow("killed");
    expect(await flush()).toBeGreaterThan(0);
    expect(await rowOf(student)).toMatchObject({ seenMs: 10_000, positionMs: 10_000 });
    expect((await progressOf(student)).seenSeconds).toBe(10);
  });

  it("unites with what is in PostgreSQL when Redis has lost what it knew", async () => {
    await record(student, watched([0, 10]));
    await flush();
    await forgetInRedis();
    expect(await record(student, watched([20, 30]))).toMatchObject({ seen: parts([0, 10], [20, 30]) });
    await flush();
    expect((await rowOf(student))?.seenMs).toBe(20_000);
  });

  it("forgets a video that was removed and writes the others", async () => {
    const other = await aVideoToWatch(app.container);
    await record(other.school.students[0]!, { ...watched([0, 10]), videoId: other.videoId });
    await record(student, watched([0, 10]));
    await app.container.db.lesson.deleteMany({ where: { videoId: other.videoId } });
    await app.container.db.video.delete({ where: { id: other.videoId } });
    await flush();
    expect((await rowOf(student))?.seenMs).toBe(10_000);
    expect(await flush()).toBe(0);
  });

  it("writes nothing of somebody who was erased meanwhile", async () => {
    await record(student, watched([0, 10]));
    await app.container.db.user.update({ where: { id: student.id }, data: { erasedAt: new Date() } });
    await flush();
    expect(await rowOf(student)).toBeNull();
    expect(await buffer.read([{ userId: student.id, videoId }])).toEqual([null]);
  });

  it("is done by two workers at once without harm", async () => {
    await record(student, watched([0, 10]));
    await Promise.all([flush(), flush(), flush()]);
    await flush();
    expect(await rowOf(student)).toMatchObject({ seenMs: 10_000, positionMs: 10_000 });
  });

  it("happens by itself where a worker runs", async () => {
    const working = await startTestApp({ worker: true });
    try {
      const place = await aVideoToWatch(working.container);
      const { token, id } = place.school.students[0]!;
      await working.ask(RECORD, { ...watched([0, 10]), videoId: place.videoId }, token);
      const row = await eventually("what was watched is in PostgreSQL", () =>
        working.container.db.watchProgress.findFirst({ where: { userId: id } }),
      );
      expect(row.seenMs).toBe(10_000);
    } finally {
      await working.close();
    }
  });
});

describe("completion", () => {
  const rules = async (data: { requiredPercent?: number; mustSee?: [number, number][] }) => {
    await app.container.db.video.update({ where: { id: videoId }, data });
    await app.container.cache.drop(CACHE_KEYS.VIDEO(videoId));
  };
  const completedAt = async () => {
    await flush();
    return (await progressOf(student)).completedAt;
  };

  it("needs the share of the seconds that the video asks for", async () => {
    await record(student, watched([0, 89.9]));
    expect(await completedAt()).toBeNull();
    await record(student, watched([89.9, 90]));
    expect(await completedAt()).toEqual(expect.any(String));
  });

  it("is not reached by going to the end", async () => {
    await record(student, watched([99, 100]));
    expect(await completedAt()).toBeNull();
  });

  it("needs every part that must be seen, but for a quarter of a second at its ends", async () => {
    await rules({
      requiredPercent: 50,
      mustSee: [
        [10, 20],
        [95, 120],
      ],
    }); // made before the length was known
    await record(student, watched([20, 95]));
    expect(await completedAt()).toBeNull();
    await record(student, watched([10.2, 20], [95, 99.8]));
    expect(await completedAt()).toEqual(expect.any(String));
  });

  it("stays, whatever the rule is later", async () => {
    await record(student, watched([0, 95]));
    const first = await completedAt();
    await rules({ requiredPercent: 100 });
    await record(student, watched([0, 1]));
    expect(await completedAt()).toBe(first);
  });
});

describe("retention", () => {
  const compute = () => app.container.services.watchRetention.computeChanged();
  const retentionOf = async (person: Person) =>
    (await app.ask(VIDEO, { id: videoId }, person.token)).data.video.retention;

  it("shows staff how many people saw each hundredth", async () => {
    const second = school.students[1]!;
    await passSeconds(redis, second, 3_600);
    await record(student, watched([0, 50]));
    await record(second, watched([40, 60]));
    await flush();
    expect(await retentionOf(school.teacher)).toBeNull();
    await compute();
    const expected = [...Array(40).fill(1), ...Array(10).fill(2), ...Array(10).fill(1), ...Array(40).fill(0)];
    expect(await retentionOf(school.teacher)).toEqual({ viewers: 2, counts: expected });
    expect(await retentionOf(student)).toBeNull();
  });

  it("is worked out again only for videos that were watched since", async () => {
    await record(student, watched([0, 50]));
    await flush();
    await compute();
    const computed = new Date("2020-01-01");
    const past = new Date("2019-12-01");
    await app.container.db.videoRetention.updateMany({ data: { computedAt: computed } });
    await app.container.db.watchProgress.updateMany({ data: { updatedAt: past } });
    expect(await compute()).toBe(0);
    await record(student, watched([50, 60]));
    await flush();
    expect(await compute()).toBe(1);
    expect((await retentionOf(school.teacher)).counts.slice(55, 65)).toEqual([1, 1, 1, 1, 1, 0, 0, 0, 0, 0]);
  });
});

describe("while Redis is away", () => {
  it("the client is told to send again, progress is read from PostgreSQL, and afterwards nothing is missing", async () => {
    const { url } = testRedis();
    const link = await createLink(url);
    const far = await startTestApp({ env: { REDIS_URL: link.url, CACHE_REDIS_URL: url } });
    try {
      const place = await aVideoToWatch(far.container);
      const { token } = place.school.students[0]!;
      const call = (from: number, to: number) =>
        far.ask(RECORD, { videoId: place.videoId, intervals: parts([from, to]), position: to }, token);
      await eventually("redis is reached", async () => (await call(0, 10)).data?.result);
      await far.container.services.watchFlush.flush();
      link.cut();
      const { errors } = await call(10, 20);
      expect(errors?.[0]?.extensions).toMatchObject({ code: "SERVICE_UNAVAILABLE", retryAfter: 2 });
      const { data } = await far.ask(VIDEO, { id: place.videoId }, token);
      expect(data.video.progress).toMatchObject({ seenSeconds: 10, position: 10 });
      link.restore();
      const answer = await eventually("redis is back", async () => (await call(10, 20)).data?.result);
      expect(answer).toMatchObject({ seen: parts([0, 20]) });
    } finally {
      await far.close();
      link.close();
    }
  });
});
