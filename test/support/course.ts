import type { Container } from "../../src/container.ts";
import { CACHE_KEYS } from "../../src/redis/cacheKeys.ts";
import type { School } from "./school.ts";

/** A section of the school's course, at its end. */
export async function aSection(
  { services }: Pick<Container, "services">,
  { teacher, courseId }: Pick<School, "teacher" | "courseId">,
  title = "Section",
): Promise<string> {
  await services.sections.create(teacher.actor, courseId, title);
  return (await services.lessons.contents(teacher.actor, courseId)).at(-1)!.id;
}

/** A lesson of the school's course, published unless told otherwise; a text if nothing else is said. */
export async function aLesson(
  { services }: Pick<Container, "services">,
  { teacher }: Pick<School, "teacher">,
  sectionId: string,
  {
    published = true,
    ...given
  }: { title?: string; videoId?: string; examId?: string; text?: string; published?: boolean } = {},
): Promise<string> {
  const kind = given.videoId ? "VIDEO" : given.examId ? "EXAM" : "TEXT";
  const words = { title: "Lesson", ...(kind === "TEXT" && { text: "Read this." }) };
  const { id } = await services.lessons.create(teacher.actor, { ...words, ...given, kind, sectionId });
  if (published) await services.lessons.update(teacher.actor, id, { published });
  return id;
}

/** A video of the school's course that waits for its file; with `status`, as if it had come that far. */
export async function aVideo(
  { services, db, cache }: Pick<Container, "services" | "db" | "cache">,
  { teacher, courseId }: Pick<School, "teacher" | "courseId">,
  {
    status = "UPLOADING",
    durationMs = null,
  }: { status?: "UPLOADING" | "PROCESSING" | "READY" | "FAILED"; durationMs?: number | null } = {},
): Promise<string> {
  const { id } = await services.videos.create(teacher.actor, { courseId, title: "How it works" });
  await db.video.update({ where: { id }, data: { status, durationMs } });
  await cache.drop(CACHE_KEYS.VIDEO(id));
  return id;
}
