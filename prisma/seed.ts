import { readFileSync } from "node:fs";
import { uuidv7 } from "uuidv7";
import type { Config } from "../src/config.ts";
import { readConfig } from "../src/config.ts";
import { createContainer } from "../src/container.ts";
import { type Actor, Reads } from "../src/services/actor.ts";
import { createLogger, type Logger } from "../src/utils/logger.ts";
import type { Db } from "./client.ts";
import { DEMO_LOGINS } from "./demoLogins.ts";

const demoFile = (name: string) => readFileSync(new URL(`./demo/${name}`, import.meta.url), "utf8");

const COURSE = "world-knowledge";
const isDemo = { email: { in: DEMO_LOGINS.map(({ email }) => email) } };

/** Clears what a seeding that was cut off left behind; false where there is a school already, finished or not ours. */
async function isEmpty(db: Db): Promise<boolean> {
  const strangers = await db.user.count({ where: { NOT: isDemo } });
  const exams = await db.exam.count({ where: { status: "PUBLISHED" } });
  if (strangers > 0 || exams >= EXAMS.length) return false;
  await db.lesson.deleteMany({ where: { course: { slug: COURSE } } });
  await db.exam.deleteMany({ where: { course: { slug: COURSE } } });
  await db.course.deleteMany({ where: { slug: COURSE } });
  await db.user.deleteMany({ where: isDemo });
  return true;
}

const EXAMS = [
  { file: "world-knowledge.gift", more: null, title: "World knowledge, 50 questions", durationMinutes: 60 },
  { file: "every-type.gift", more: "more-types.json", title: "A taste of every question type", durationMinutes: 15 },
];

/**
 * Fills an empty database with a school to play with: a course with everybody in it, a text to begin with, an exam of 50
 * questions and a short one with every question type, both open. Does nothing where there are other users; finishes what was cut off.
 */
export async function seedDemoSchool(config: Config, log: Logger): Promise<void> {
  const container = await createContainer(config, log);
  const { db, services } = container;
  try {
    if (!(await isEmpty(db))) return;
    const ids = new Map<string, string>();
    for (const { email, name, password, role } of DEMO_LOGINS) {
      const { id } = await services.accounts.open({ email, name, password, role });
      ids.set(email, id);
    }
    const teacher: Actor = {
      userId: ids.get("teacher@lectern.example")!,
      role: "INSTRUCTOR",
      sessionId: uuidv7(),
      secondFactorMissing: false,
      requestId: "seed",
      ip: null,
      userAgent: null,
      reads: new Reads(),
    };
    const course = await services.courses.create(teacher, { title: "World Knowledge", slug: COURSE });
    await services.courses.enroll(teacher, {
      courseId: course.id,
      students: DEMO_LOGINS.filter(({ role }) => role === "STUDENT").map(({ email }, index) => ({
        email,
        extraTimePercent: index === 0 ? 25 : 0,
        role: "STUDENT",
      })),
    });
    const publish = async (sectionId: string, lesson: object) => {
      const { id } = await services.lessons.create(teacher, { ...lesson, sectionId });
      await services.lessons.update(teacher, id, { published: true });
    };
    for (const title of ["Before you begin", "Exams"]) await services.sections.create(teacher, course.id, title);
    const [beginning, examining] = await services.lessons.contents(teacher, course.id);
    await publish(beginning!.id, { kind: "TEXT", title: "Welcome", text: demoFile("welcome.md") });
    for (const { file, more, title, durationMinutes } of EXAMS) {
      const report = await services.exchange.import(teacher, {
        courseId: course.id,
        format: "GIFT",
        content: demoFile(file),
        dryRun: false,
        tags: [],
      });
      if (report.refused.length > 0) throw new Error(`${file}: ${JSON.stringify(report.refused)}`);
      const exam = await services.exams.create(teacher, {
        courseId: course.id,
        title,
        description: "A demo exam. Start it as a student, grade it as the teacher.",
        durationMinutes,
        attemptsAllowed: 100,
        shuffleQuestions: true,
        shuffleOptions: true,
        passMarkPercent: "50",
        resultsPolicy: "IMMEDIATE",
      });
      const questionIds = report.taken.map(({ questionId }) => questionId!);
      for (const question of more ? (JSON.parse(demoFile(more)) as object[]) : [])
        questionIds.push((await services.questions.create(teacher, course.id, question)).id);
      await services.exams.addQuestions(teacher, { examId: exam.id, questionIds });
      await publish(examining!.id, { kind: "EXAM", title, examId: exam.id });
      await services.exams.publish(teacher, exam.id); // last: with the exams published, the school is taken for whole
    }
    log.info({ users: DEMO_LOGINS.length }, "the demo school is ready");
  } finally {
    await container.close();
  }
}

if (process.argv[1] && import.meta.url === new URL(`file://${process.argv[1]}`).href) {
  const config = readConfig();
  await seedDemoSchool(config, createLogger({ level: config.LOG_LEVEL, pretty: config.LOG_PRETTY, program: "seed" }));
}
