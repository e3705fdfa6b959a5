import type { Container } from "../../src/container.ts";
import { aLesson, aSection, aVideo } from "./course.ts";
import { aSchool, type Person, type School } from "./school.ts";

export interface ScreenedVideo {
  school: School;
  videoId: string;
}

/** A video of a hundred seconds that the students of a school can watch. */
export async function aVideoToWatch(container: Container, { students = 1 } = {}): Promise<ScreenedVideo> {
  const school = await aSchool(container, { students });
  const videoId = await aVideo(container, school, { status: "READY", durationMs: 100_000 });
  await aLesson(container, school, await aSection(container, school), { videoId });
  return { school, videoId };
}

/** Lets this many seconds pass on somebody's clock since their last call; what was left over from it is spent. */
export async function passSeconds(
  { queueRedis, prefix }: { queueRedis: Container["queueRedis"]; prefix: string },
  { id }: Pick<Person, "id">,
  seconds: number,
): Promise<void> {
  const [now] = (await queueRedis.time()) as [number, number];
  await queueRedis.set(`${prefix}:watch:clock:${id}`, `${(now - seconds) * 1_000} 0`);
}

/** Stops somebody's clock with this much to spend, for as long as a test lasts. */
export async function stopClock(
  { queueRedis, prefix }: { queueRedis: Container["queueRedis"]; prefix: string },
  { id }: Pick<Person, "id">,
  leftMs: number,
): Promise<void> {
  const [now] = (await queueRedis.time()) as [number, number];
  await queueRedis.set(`${prefix}:watch:clock:${id}`, `${(now + 3_600) * 1_000} ${leftMs}`);
}
