import { z } from "zod";
import { defineQueue } from "./defineQueue.ts";

const byAddress = { email: z.string() };
const toPerson = { userId: z.uuid() };

/** Our own messages. What they say, and to whom, is worked out when they are sent: a payload holds no token and no more than it must. */
export const templatedMail = z.discriminatedUnion("template", [
  z.object({ template: z.literal("registration"), ...byAddress }),
  z.object({ template: z.literal("verification"), ...byAddress }),
  z.object({ template: z.literal("passwordReset"), ...byAddress }),
  z.object({ template: z.literal("invitation"), ...toPerson, courseId: z.uuid().optional() }),
  z.object({ template: z.literal("passwordChanged"), ...toPerson }),
  z.object({ template: z.literal("refreshTokenReused"), ...toPerson }),
  z.object({ template: z.literal("secondFactorChanged"), ...toPerson, change: z.enum(["ON", "OFF", "RESET"]) }),
  z.object({ template: z.literal("importFinished"), ...toPerson, importId: z.uuid() }),
  z.object({ template: z.literal("exportReady"), ...toPerson, exportId: z.uuid() }),
  z.object({ template: z.literal("examAnalysed"), ...toPerson, examId: z.uuid() }),
  z.object({ template: z.literal("deletionScheduled"), ...toPerson }),
]);
export type TemplatedMail = z.output<typeof templatedMail>;

/** A mail as somebody wrote it; a part that is missing is made from the other. */
export const writtenMail = z.object({
  to: z.string(),
  subject: z.string(),
  html: z.string().optional(),
  text: z.string().optional(),
});
export type WrittenMail = z.output<typeof writtenMail>;

/** Three retries after 2, 4 and 8 seconds, as every queue; what the mail server refuses for good is not tried again. */
export const emailQueue = defineQueue({
  name: "email",
  concurrency: 10,
  jobs: {
    sendEmail: { payload: writtenMail },
    sendTemplate: { payload: templatedMail },
    removeOldDeliveries: { payload: z.object({}) },
  },
  schedules: [{ job: "removeOldDeliveries", cron: "41 3 * * *" }],
});
