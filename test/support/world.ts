import { uuidv7 } from "uuidv7";
import type { Container } from "../../src/container.ts";
import { anExam, aSchool, choiceQuestion, type ExamMade, type Person, type School, somePeople } from "./school.ts";

/** Everybody who may come to an exam, seen from one course: one school in the middle and one beside it. */
export interface World {
  school: School;
  exam: ExamMade;
  draft: ExamMade;
  /** An attempt of the school's first student at the exam. */
  attemptId: string;
  people: Record<Viewer, Person | null>;
}

export const VIEWERS = [
  "visitor",
  "student of the course",
  "student of another course",
  "teacher of another course",
  "teacher",
  "admin",
] as const;
export type Viewer = (typeof VIEWERS)[number];

/** A course with an exam, a draft and an attempt in progress, and one viewer of every kind. */
export async function aWorld(container: Container): Promise<World> {
  const school = await aSchool(container, { students: 2 });
  const other = await aSchool(container);
  const [admin] = await somePeople(container, 1, "ADMIN");
  const exam = await anExam(container, school, { rules: { attemptsAllowed: 100 } });
  const draft = await anExam(container, school, { questions: [choiceQuestion(9)], publish: false });
  const student = school.students[0]!;
  const attempt = await container.services.attempts.start(student.actor, exam.examId);
  return {
    school,
    exam,
    draft,
    attemptId: attempt.id,
    people: {
      visitor: null,
      "student of the course": student,
      "student of another course": other.students[0]!,
      "teacher of another course": other.teacher,
      teacher: school.teacher,
      admin: admin!,
    },
  };
}

/** An id that nothing has. */
export const nothingsId = () => uuidv7();
