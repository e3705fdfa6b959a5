import { z } from "zod";
import { DIFFICULTIES } from "../domain/difficulty.ts";
import { ATTEMPT_GRADINGS } from "../domain/finalResult.ts";
import { REVIEW_PARTS, scaleProblem } from "../domain/results.ts";
import { addressList } from "./addressList.ts";
import { decimalInput } from "./decimal.ts";

const WEEK_MINUTES = 10_080;
const wrongWindow = { path: ["closesAt"], message: "is not after opensAt" };
/** A floor is where the points that wrong answers take away end. */
const floor = decimalInput({ min: -100_000, max: 0 }).nullish();
const instant = z.coerce.date().nullish();
const sectionFields = z.object({
  title: z.string().trim().min(1, "is empty").max(200, "has at most 200 characters"),
  drawTag: z.string().trim().min(1, "is empty").nullish(),
  drawFolderId: z.string().nullish(),
  drawDifficulty: z.enum(DIFFICULTIES).nullish(),
  drawCount: z.number().int().min(1, "is below 1").max(1_000, "is above 1000").nullish(),
  shuffleQuestions: z.boolean().nullish(),
  floor,
});
const section = sectionFields.refine((fields) => sectionProblem(fields) === null, {
  path: ["drawCount"],
  message: "is needed with drawTag, drawFolderId and drawDifficulty",
});
const questionIds = z.array(z.string()).max(1_000, "has at most 1000 questions");
/** The sections of a draft as they shall be: those with an id are there already. */
export const changedSections = z
  .array(sectionFields.partial().extend({ id: z.string().nullish(), questionIds: questionIds.nullish() }))
  .min(1, "is empty")
  .max(50, "has at most 50 sections");
export type ChangedSection = z.output<typeof changedSections>[number];

/** What a section lacks; null if nothing. */
export function sectionProblem(fields: Partial<Omit<z.output<typeof sectionFields>, "floor">>) {
  if (fields.title === undefined) return { path: "title", message: "is needed for a new section" };
  const isDrawn = fields.drawTag || fields.drawFolderId || fields.drawDifficulty;
  if (!isDrawn || fields.drawCount) return null;
  return { path: "drawCount", message: "is needed with drawTag, drawFolderId and drawDifficulty" };
}
/** In the order of the list, so that equal rows are equal lists. */
const reviewParts = z
  .array(z.enum(REVIEW_PARTS))
  .transform((given) => REVIEW_PARTS.filter((part) => given.includes(part)))
  .nullish();
const gradeScale = z
  .array(
    z.object({
      name: z.string().trim().min(1, "is empty").max(50, "has at most 50 characters"),
      fromPercent: decimalInput({ min: 0, max: 100 }),
    }),
  )
  .max(50, "has at most 50 grades")
  .superRefine((scale, context) => {
    const problem = scaleProblem(scale);
    if (problem) context.addIssue({ code: "custom", message: problem });
  });
/** The rules of an exam that staff set; of an update, those that change. */
export const examRules = z.object({
  title: z.string().trim().min(1, "is empty").max(200, "has at most 200 characters"),
  description: z.string().max(20_000, "has at most 20,000 characters"),
  durationMinutes: z.number().int().min(1, "is below 1").max(WEEK_MINUTES, "is longer than a week"),
  opensAt: instant,
  closesAt: instant,
  attemptsAllowed: z.number().int().min(1, "is below 1").max(100, "is above 100"),
  shuffleQuestions: z.boolean(),
  shuffleOptions: z.boolean(),
  passMarkPercent: decimalInput({ min: 0, max: 100 }).nullish(),
  resultsPolicy: z.enum(["IMMEDIATE", "AFTER_CLOSE", "MANUAL"]),
  resultsReleaseAt: instant,
  review: z.object({ during: reviewParts, afterSubmission: reviewParts, afterClose: reviewParts }).nullish(),
  gradeScale: gradeScale.nullish(),
  attemptGrading: z.enum(ATTEMPT_GRADINGS).optional(),
  floor,
  allowedAddresses: addressList,
  accessCode: z.string().min(4, "needs at least 4 characters").max(200, "has at most 200 characters").nullish(),
});
export const newExam = examRules
  .extend({ courseId: z.string(), sections: z.array(section).min(1, "is empty").max(50).nullish() })
  .refine(windowIsRight, wrongWindow);
export const examSearch = z.object({ search: z.string().max(300, "has at most 300 characters").nullish() });
export const questionsToAdd = z.object({
  examId: z.string(),
  questionIds: questionIds.min(1, "is empty"),
  sectionId: z.string().nullish(),
  points: decimalInput({ min: 0, max: 10_000 }).nullish(),
});
const timeGrant = {
  extraTimePercent: z.number().int().min(0, "is below 0").max(400, "is above 400"),
  extraMinutes: z.number().int().min(0, "is below 0").max(WEEK_MINUTES, "is longer than a week"),
};
const isForOne = ({ userId, groupId }: { userId?: string | null; groupId?: string | null }) => !userId !== !groupId;
const wrongSubject = { path: ["userId"], message: "or groupId is needed, and not both" };
const subject = { examId: z.string(), userId: z.string().nullish(), groupId: z.string().nullish() };
/** Whom an exam gives something beyond its rules. */
export const accommodated = z.object(subject).refine(isForOne, wrongSubject);
export type QuestionsToAdd = z.output<typeof questionsToAdd>;
export const newAccommodation = z
  .object({
    ...subject,
    ...timeGrant,
    extraAttempts: z.number().int().min(0, "is below 0").max(100, "is above 100"),
    opensAt: instant,
    closesAt: instant,
  })
  .refine(isForOne, wrongSubject)
  .refine(windowIsRight, wrongWindow);

export const personAccommodation = z.object({
  userId: z.string(),
  ...timeGrant,
});
const reason = z.string().trim().min(1, "is empty").max(500, "has at most 500 characters");
export const withdrawal = z.object({ examId: z.string(), reason });
const reached = {
  examId: z.string(),
  userIds: z.array(z.string()).min(1, "is empty").max(5_000, "has at most 5,000 people").nullish(),
  groupId: z.string().nullish(),
  reason,
};
const wrongNaming = { path: ["groupId"], message: "is not for together with userIds" };
const isOneWayOfNaming = ({ userIds, groupId }: { userIds?: string[] | null; groupId?: string | null }) =>
  !userIds || !groupId;
/** Whose running attempts get more time; without people or group: everybody's. */
export const extension = z
  .object({
    ...reached,
    minutes: z.number().int().min(1, "is below 1").max(WEEK_MINUTES, "is longer than a week"),
  })
  .refine(isOneWayOfNaming, wrongNaming);
/** Whose running attempts are handed in, paused or resumed. */
export const reachedAttempts = z.object(reached).refine(isOneWayOfNaming, wrongNaming);

/** The matrix and the scale as the database has them; what is left out, or null, stays. */
export const resultColumns = ({
  review,
  gradeScale,
}: Partial<Pick<z.output<typeof examRules>, "review" | "gradeScale">>) => ({
  reviewDuring: review?.during ?? undefined,
  reviewAfterSubmission: review?.afterSubmission ?? undefined,
  reviewAfterClose: review?.afterClose ?? undefined,
  gradeScale: gradeScale ?? undefined,
});

/** What publication fixes: papers are drawn from it. */
export const FIXED_BY_PUBLICATION = ["durationMinutes", "shuffleQuestions", "shuffleOptions", "floor"] as const;

/** Whether a window closes after it opens; an end that is not set is right. */
export function windowIsRight({ opensAt, closesAt }: { opensAt?: Date | null; closesAt?: Date | null }): boolean {
  return !opensAt || !closesAt || opensAt < closesAt;
}
