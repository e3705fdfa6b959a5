import type { Container } from "../src/container.ts";
import { anExam, aSchool, type ExamMade, type School } from "../test/support/school.ts";

const OPTION_IDS = ["a", "b", "c", "d"] as const;

/** The option that is right; a different one from question to question, so that always saying "b" is no way to be right. */
export const rightOption = (number: number): string => OPTION_IDS[number % 4]!;
/** One that is not. */
export const wrongOption = (number: number): string => OPTION_IDS[(number + 1) % 4]!;

/** A question of 4 options, as long as real ones are: 50 of them make about 28 KB of JSON. */
const benchQuestion = (number: number) => ({
  type: "SINGLE_CHOICE",
  title: `Question ${number}`,
  stem: `Question ${number}: ${"which of the following statements about the cell is right? ".repeat(3)}`.slice(0, 130),
  stemFormat: "PLAIN",
  points: "1",
  feedback: null,
  tags: [],
  definition: {
    options: OPTION_IDS.map((id) => ({
      id,
      text: `Answer ${id} to question ${number}: membranes are what it is`,
      fraction: id === rightOption(number) ? "1" : "0",
    })),
  },
});

export interface BenchSchool extends School {
  exam: ExamMade;
  /** The number of each question by its id, for `rightOption`. */
  numbers: Map<string, number>;
}

/** A course with a published exam of 50 questions × 4 options, shuffled, and this many students who have tokens. */
export async function aBenchSchool(container: Container, { students }: { students: number }): Promise<BenchSchool> {
  const school = await aSchool(container, { students });
  const exam = await anExam(container, school, {
    questions: Array.from({ length: 50 }, (_, index) => benchQuestion(index + 1)),
    rules: { shuffleQuestions: true, shuffleOptions: true, durationMinutes: 600 },
  });
  return { ...school, exam, numbers: new Map(exam.questionIds.map((id, index) => [id, index + 1])) };
}

/** What a teacher's screen asks of an exam. */
export const EXAM_QUERY = `query ($id: ID!) { exam(id: $id) {
  id title description durationMinutes status questionCount maxScore
  sections { id title questions { position points question { id type title stem options { id text } } } }
} }`;

/** What a student's screen asks when the exam is opened. */
export const EXAM_FRONT_QUERY = `query ($id: ID!) { exam(id: $id) {
  id title description durationMinutes opensAt closesAt attemptsAllowed accessCodeRequired questionCount maxScore
} }`;

export const START_MUTATION = `mutation ($examId: ID!) { startAttempt(examId: $examId) { id number deadlineAt } }`;

/** What a student's screen asks to show the paper. */
export const PAPER_QUERY = `query ($id: ID!) { attempt(id: $id) {
  id status deadlineAt
  paper { questions { id position section type responseKind title stem points options { id text } } }
} }`;

/** The same at a reload: with what was saved so far. */
export const RELOAD_QUERY = `query ($id: ID!) { attempt(id: $id) {
  id status deadlineAt answers { questionId response revision }
  paper { questions { id position section type responseKind title stem points options { id text } } }
} }`;

export const SAVE_MUTATION = `mutation ($attemptId: ID!, $answers: [AnswerInput!]!) {
  saveAnswers(attemptId: $attemptId, answers: $answers) { savedAt deadlineAt receipts { questionId revision outcome } }
}`;

export const SUBMIT_MUTATION = `mutation ($attemptId: ID!) { submitAttempt(attemptId: $attemptId) { id status submittedAt } }`;

export const RESULT_QUERY = `query ($id: ID!) { attempt(id: $id) {
  id status result { score maxScore percent passed complete questions { questionId points maxPoints } }
} }`;

export const LOGIN_MUTATION = `mutation ($email: String!, $password: String!) {
  login(email: $email, password: $password) { accessToken refreshToken user { id name role } }
}`;
