import type { Container } from "../../src/container.ts";
import { anExam, essayQuestion, type Person, type School } from "./school.ts";

/** Worth three quarters of the question's points at the middle level. */
export const RUBRIC = [
  {
    id: "argument",
    title: "Argument",
    levels: [
      { id: "none", text: "There is none.", points: "0" },
      { id: "fair", text: "It follows.", points: "3" },
      { id: "good", text: "It convinces.", points: "4" },
    ],
  },
];

export const rubricEssay = { ...essayQuestion, definition: { guidance: "Look for three reasons.", rubric: RUBRIC } };

/** What a student wrote, by which a test knows whose it is. */
export const essayOf = ({ id }: Person) => `Essay of ${id.slice(-12)}`;

export interface EssayExam {
  examId: string;
  /** Of the essay. */
  questionId: string;
  questionIds: string[];
  /** In the order of the students. */
  attemptIds: string[];
}

/** An exam whose essay so many students of the school have answered; the attempts wait for a person. */
export async function anEssayExam(
  container: Pick<Container, "services">,
  school: School,
  { students = 3, beside = [] as object[], rules = {} } = {},
): Promise<EssayExam> {
  const { services } = container;
  const { examId, questionIds } = await anExam(container, school, { questions: [rubricEssay, ...beside], rules });
  const attemptIds: string[] = [];
  for (const student of school.students.slice(0, students)) {
    const { id } = await services.attempts.start(student.actor, examId);
    await services.answers.save(student.actor, id, [
      { questionId: questionIds[0]!, response: { text: essayOf(student) }, revision: 1 },
    ]);
    await services.attempts.submit(student.actor, id);
    await services.grading.gradeAttempt(id);
    attemptIds.push(id);
  }
  return { examId, questionId: questionIds[0]!, questionIds, attemptIds };
}
