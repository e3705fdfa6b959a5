import { setTimeout as pause } from "node:timers/promises";
import {
  EXAM_FRONT_QUERY,
  LOGIN_MUTATION,
  RELOAD_QUERY,
  RESULT_QUERY,
  rightOption,
  SAVE_MUTATION,
  START_MUTATION,
  SUBMIT_MUTATION,
  wrongOption,
} from "./school.ts";

export const QUESTIONS = 50;
export const PAGE = 10;
export const PASSWORD = "correct horse battery";
const POLL_MS = 250;
const LONGEST_WAIT_MS = 600_000;

export type StepName =
  | "log in"
  | "open exam"
  | "start"
  | "read paper"
  | "save of 5"
  | "save of 10"
  | "submit"
  | "result";

export interface Student {
  email: string;
  token: string;
  attemptId: string;
  /** Ids of the questions in the order of the paper. */
  questionIds: string[];
  score: string | null;
}

export interface Step {
  name: StepName;
  run(student: Student): Promise<void>;
}

// biome-ignore lint/suspicious/noExplicitAny: answers of any shape come over the wire; the run ends with a check in the database
export type Answer = any;
export type Ask = (query: string, variables: object, token?: string) => Promise<Answer>;

/** What a student does, in order: before the questions, page by page, at the end. Each step fails when its answer is not as it must be. */
export function stepsOf(ask: Ask, examId: string, numbers: Map<string, number>) {
  const saveStep = (name: "save of 5" | "save of 10", page: number): Step => ({
    name,
    async run({ token, attemptId, questionIds }) {
      const isFirst = name === "save of 5";
      const from = page * PAGE;
      const answers = questionIds.slice(from, from + (isFirst ? 5 : PAGE)).map((questionId, index) => ({
        questionId,
        response: {
          choice: isFirst ? wrongOption(numbers.get(questionId)!) : finalChoice(numbers, questionId, from + index),
        },
        revision: isFirst ? 1 : 2,
      }));
      const { saveAnswers } = await ask(SAVE_MUTATION, { attemptId, answers }, token);
      const saved = saveAnswers.receipts.filter(({ outcome }: { outcome: string }) => outcome === "SAVED");
      if (saved.length !== answers.length) throw new Error(`not all was saved: ${JSON.stringify(saveAnswers)}`);
    },
  });
  const preparing: Step[] = [
    {
      name: "log in",
      async run(student) {
        const { login } = await ask(LOGIN_MUTATION, { email: student.email, password: PASSWORD });
        student.token = login.accessToken;
      },
    },
    {
      name: "open exam",
      run: async ({ token }) => void (await ask(EXAM_FRONT_QUERY, { id: examId }, token)),
    },
    {
      name: "start",
      async run(student) {
        student.attemptId = (await ask(START_MUTATION, { examId }, student.token)).startAttempt.id;
      },
    },
    {
      name: "read paper",
      async run(student) {
        const { attempt } = await ask(RELOAD_QUERY, { id: student.attemptId }, student.token);
        student.questionIds = attempt.paper.questions.map(({ id }: { id: string }) => id);
        if (student.questionIds.length !== QUESTIONS) throw new Error("the paper is not complete");
      },
    },
  ];
  const pages = Array.from({ length: QUESTIONS / PAGE }, (_, page) => [
    saveStep("save of 5", page),
    saveStep("save of 10", page),
  ]).flat();
  const submit: Step = {
    name: "submit",
    run: async ({ token, attemptId }) => void (await ask(SUBMIT_MUTATION, { attemptId }, token)),
  };
  const result: Step = {
    name: "result",
    async run(student) {
      const deadline = Date.now() + LONGEST_WAIT_MS;
      while (student.score === null) {
        const { attempt } = await ask(RESULT_QUERY, { id: student.attemptId }, student.token);
        if (attempt.result) student.score = attempt.result.score;
        else if (Date.now() > deadline) throw new Error("an attempt was not graded");
        else await pause(POLL_MS);
      }
    },
  };
  return { preparing, pages, submit, result };
}

/** Every second question of a paper is answered right. */
export const finalChoice = (numbers: Map<string, number>, questionId: string, place: number): string =>
  place % 2 === 0 ? rightOption(numbers.get(questionId)!) : wrongOption(numbers.get(questionId)!);
