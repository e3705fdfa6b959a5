import type { QuestionWarning } from "../domain/statistics/questionWarnings.ts";

/** What each of our messages must be told. Every message has a template of its name in every locale. */
export interface MailData {
  /** The address may be a stranger's who never heard of us, so nothing that somebody typed in is repeated here. */
  verifyAddress: { url: string; hours: number };
  accountExists: Greeted & Linked;
  passwordReset: Greeted & { url: string; hours: number };
  invitation: Greeted & { url: string; hours: number; course: string | null };
  passwordChanged: Greeted & Linked;
  refreshTokenReused: Greeted & Linked;
  secondFactorChanged: Greeted & Linked & { change: "ON" | "OFF" | "RESET" };
  importFinished: Greeted & {
    course: string | null;
    totalRows: number;
    accepted: number;
    updated: number;
    unchanged: number;
    refused: number;
  };
  examAnalysed: Greeted &
    Linked & {
      exam: string;
      course: string;
      attempts: number;
      /** Too few to say how well questions tell people apart. */
      isFew: boolean;
      /** How many there are; `questions` names the first of them. */
      toLookAt: number;
      questions: { name: string; warnings: QuestionWarning[] }[];
    };
  exportReady: Greeted & { url: string; until: Date };
  deletionScheduled: Greeted & Linked & { due: Date };
}

interface Greeted {
  /** Null where a stranger may have chosen the name. */
  name: string | null;
}

interface Linked {
  appUrl: string;
}

export type MailName = keyof MailData;

const listed: Record<MailName, true> = {
  verifyAddress: true,
  accountExists: true,
  passwordReset: true,
  invitation: true,
  passwordChanged: true,
  refreshTokenReused: true,
  secondFactorChanged: true,
  importFinished: true,
  examAnalysed: true,
  exportReady: true,
  deletionScheduled: true,
};

/** The same as values: a message that is not listed, or listed and not declared, does not compile. */
export const MAIL_NAMES = Object.keys(listed) as MailName[];
