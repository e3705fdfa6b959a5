import type { Db } from "../../prisma/client.ts";
import { DomainError } from "../domain/errors.ts";
import type { AccountService, User } from "./account.service.ts";
import type { Actor } from "./actor.ts";
import type { AttemptService } from "./attempt.service.ts";
import type { Attempt } from "./attemptFields.ts";
import type { Course, CourseService } from "./course.service.ts";
import type { Lesson } from "./courseContents.ts";
import type { Exam, ExamService } from "./exam.service.ts";
import { isUuid } from "./ids.ts";
import type { LessonService } from "./lesson.service.ts";
import type { PeopleService } from "./people.service.ts";
import type { Question, QuestionService } from "./question.service.ts";
import type { Video, VideoService } from "./video.service.ts";

export type Node = User | Course | Question | Exam | Attempt | Lesson | Video;

type NodeType = Node["__typename"];

export type NodeService = ReturnType<typeof createNodeService>;

/** Finds anything by its id: asks what it is, then the service that owns it, which decides whether the actor may see it. */
export function createNodeService({
  db,
  accounts,
  people,
  courses,
  questions,
  exams,
  attempts,
  lessons,
  videos,
}: {
  db: Db;
  accounts: AccountService;
  people: PeopleService;
  courses: CourseService;
  questions: QuestionService;
  exams: ExamService;
  attempts: AttemptService;
  lessons: LessonService;
  videos: VideoService;
}) {
  const finders: Record<NodeType, (actor: Actor, id: string) => Promise<Node | null>> = {
    User: async (actor, id) => (id === actor.userId ? accounts.me(actor) : people.get(actor, id)),
    Course: courses.get,
    Question: questions.get,
    Exam: exams.get,
    Attempt: attempts.get,
    Lesson: lessons.get,
    Video: videos.get,
  };

  return {
    /** Null for what is not there or not for this actor to see. */
    async get(actor: Actor, id: string): Promise<Node | null> {
      if (!isUuid(id)) return null;
      const [found] = await db.$queryRaw<{ type: NodeType }[]>`
        SELECT 'Exam' AS type FROM exams WHERE id = ${id}::uuid
        UNION ALL SELECT 'Attempt' FROM attempts WHERE id = ${id}::uuid
        UNION ALL SELECT 'Course' FROM courses WHERE id = ${id}::uuid
        UNION ALL SELECT 'Question' FROM questions WHERE id = ${id}::uuid
        UNION ALL SELECT 'Lesson' FROM lessons WHERE id = ${id}::uuid
        UNION ALL SELECT 'Video' FROM videos WHERE id = ${id}::uuid
        UNION ALL SELECT 'User' FROM users WHERE id = ${id}::uuid`;
      if (!found) return null;
      try {
        return await finders[found.type](actor, id.toLowerCase());
      } catch (error) {
        if (error instanceof DomainError && (error.code === "NOT_FOUND" || error.code === "FORBIDDEN")) return null;
        throw error;
      }
    },
  };
}
