import { uuidv7 } from "uuidv7";
import type { Container } from "../../src/container.ts";
import type { UserRole } from "../../src/generated/prisma/enums.ts";
import { type Actor, Reads } from "../../src/services/actor.ts";
import { hashSecret } from "../../src/services/passwords.ts";

export interface Person {
  id: string;
  email: string;
  actor: Actor;
  token: string;
}

const nobodyKnows = hashSecret(uuidv7());

/** People with accounts and access tokens; they cannot log in, because nobody waits for that many password hashes. */
export async function somePeople(
  { db, tokens }: Pick<Container, "db" | "tokens">,
  count: number,
  role: UserRole = "STUDENT",
): Promise<Person[]> {
  const passwordHash = await nobodyKnows;
  const rows = Array.from({ length: count }, () => {
    const id = uuidv7();
    return {
      id,
      role,
      email: `${id}@school.example`,
      name: `${role} ${id.slice(-6)}`,
      passwordHash,
      emailVerifiedAt: new Date(),
    };
  });
  await db.user.createMany({ data: rows });
  return Promise.all(
    rows.map(async ({ id, email }) => {
      const sessionId = uuidv7();
      const viewer = { userId: id, role, sessionId, secondFactorMissing: false };
      const { token } = await tokens.sign(viewer);
      return {
        id,
        email,
        token,
        actor: { ...viewer, requestId: "test", ip: null, userAgent: null, reads: new Reads() },
      };
    }),
  );
}

export interface School {
  teacher: Person;
  students: Person[];
  courseId: string;
}

/** A course with its teacher and students. */
export async function aSchool(container: Container, { students = 1 } = {}): Promise<School> {
  const [teacher] = await somePeople(container, 1, "INSTRUCTOR");
  const people = await somePeople(container, students);
  const course = await container.services.courses.create(teacher!.actor, { title: `Course of ${teacher!.email}` });
  await container.services.courses.enroll(teacher!.actor, {
    courseId: course.id,
    students: people.map(({ email }) => ({ email, extraTimePercent: 0, role: "STUDENT" })),
  });
  return { teacher: teacher!, students: people, courseId: course.id };
}

/** A multiple-choice question of one point whose right answer is always the option "b". */
export const choiceQuestion = (number: number) => ({
  type: "SINGLE_CHOICE",
  title: `Question ${number}`,
  stem: `What is the answer to question ${number}?`,
  stemFormat: "PLAIN",
  points: "1",
  feedback: null,
  tags: [],
  definition: {
    options: ["a", "b", "c", "d"].map((id) => ({ id, text: `Option ${id}`, fraction: id === "b" ? "1" : "0" })),
  },
});

export const essayQuestion = {
  ...choiceQuestion(0),
  type: "ESSAY",
  title: "Essay",
  stem: "Discuss.",
  points: "5",
  definition: {},
};

export interface ExamMade {
  examId: string;
  questionIds: string[];
}

/** A published exam; `with` changes its rules. */
export async function anExam(
  { services }: Pick<Container, "services">,
  { teacher, courseId }: School,
  {
    questions = [choiceQuestion(1), choiceQuestion(2), choiceQuestion(3)],
    publish = true,
    rules = {},
  }: { questions?: object[]; publish?: boolean; rules?: object } = {},
): Promise<ExamMade> {
  const made = [];
  for (const question of questions) made.push((await services.questions.create(teacher.actor, courseId, question)).id);
  const exam = await services.exams.create(teacher.actor, {
    courseId,
    title: "Midterm",
    description: "",
    durationMinutes: 30,
    attemptsAllowed: 1,
    shuffleQuestions: false,
    shuffleOptions: false,
    resultsPolicy: "IMMEDIATE",
    ...rules,
  });
  if (made.length > 0) await services.exams.addQuestions(teacher.actor, { examId: exam.id, questionIds: made });
  if (publish) await services.exams.publish(teacher.actor, exam.id);
  return { examId: exam.id, questionIds: made };
}
