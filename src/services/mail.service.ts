import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { forbidden } from "../domain/errors.ts";
import { emailAddress } from "../domain/person.ts";
import { htmlOf, textOf } from "../mails/htmlAndText.ts";
import type { RenderedMail } from "../mails/mailTemplates.ts";
import { emailQueue, type TemplatedMail, type WrittenMail } from "../queues/email.queue.ts";
import type { JobContext } from "../queues/jobContext.ts";
import type { Outbox } from "../queues/outbox.ts";
import type { Actor } from "./actor.ts";
import { parseInput } from "./input.ts";
import type { Smtp } from "./smtp.ts";
import type { TemplatedMails } from "./templatedMails.ts";

type Job = Pick<JobContext, "jobId" | "signal">;

const KEPT_DAYS = 30;
const body = z
  .string()
  .max(200_000, "has at most 200,000 characters")
  .nullish()
  .transform((text) => (text?.trim() ? text : undefined));
const mailInput = z
  .object({
    to: emailAddress,
    subject: z
      .string()
      .trim()
      .min(1, "is empty")
      .max(200, "has at most 200 characters")
      .regex(/^[^\p{Cc}\u2028\u2029]*$/u, "is more than one line"),
    html: body,
    text: body,
  })
  .refine(({ html, text }) => html || text, { path: ["text"], error: "is missing, and so is html: one is needed" });

export type MailService = ReturnType<typeof createMailService>;

/** Mails are asked for in the outbox and sent by a job. */
export function createMailService({
  db,
  outbox,
  smtp,
  templatedMails,
  clock,
}: {
  db: Db;
  outbox: Outbox;
  smtp: Smtp;
  templatedMails: TemplatedMails;
  clock: () => Date;
}) {
  /** Jobs whose mail the server has and whose record this process could not mark, so that it does not send them again. */
  const sentButUnmarked = new Set<string>();

  /**
   * Sends the mail of a job once: a job that runs again after the mail was marked as sent does nothing.
   * What SMTP leaves open: when the process dies, or the connection breaks, between the server's "250" and our learning of it,
   * nobody can say whether the mail is on its way. It is sent again then, because a link that never comes locks somebody out
   * and one that comes twice does not; both carry the same Message-ID.
   */
  async function deliverOnce(
    { jobId, signal }: Job,
    isAutomatic: boolean,
    write: () => Promise<(RenderedMail & { to: string }) | null>,
  ): Promise<void> {
    const known = await db.emailDelivery.findUnique({ where: { jobId } });
    if (known?.sentAt) return;
    if (!sentButUnmarked.has(jobId)) {
      const mail = await write();
      if (!mail) return;
      const messageId = smtp.messageIdFor(jobId);
      const startedAt = clock();
      await db.emailDelivery.upsert({
        where: { jobId },
        create: { jobId, messageId, startedAt },
        update: { messageId, startedAt },
      });
      await smtp.send({ ...mail, messageId, isAutomatic }, signal);
      sentButUnmarked.add(jobId);
    }
    await db.emailDelivery.update({ where: { jobId }, data: { sentAt: clock() } });
    sentButUnmarked.delete(jobId);
  }

  return {
    /** Takes a mail on, to be sent in the background; one row is all that is written. @throws FORBIDDEN, BAD_USER_INPUT */
    async sendQueued(actor: Actor, input: unknown): Promise<{ queued: boolean; jobId: string }> {
      if (actor.role !== "ADMIN") throw forbidden();
      const mail = parseInput(mailInput, input);
      const request = { ownerId: actor.userId, requestId: actor.requestId };
      const jobId = await outbox.add(db, emailQueue, "sendEmail", mail, request);
      outbox.handOver();
      return { queued: true, jobId };
    },

    /** Sends what somebody wrote. Safe to repeat. @throws UNPROCESSABLE, SERVICE_UNAVAILABLE: see {@link Smtp.send} */
    async sendWritten({ to, subject, html = "", text = "" }: WrittenMail, job: Job): Promise<void> {
      const mail = { to, subject, html: html || htmlOf(text), text: text || textOf(html) };
      await deliverOnce(job, false, async () => mail);
    },

    /** Sends one of our own messages, if there is still somebody to send it to. Safe to repeat. @throws as {@link sendWritten} */
    async sendTemplated(asked: TemplatedMail, job: Job): Promise<void> {
      await deliverOnce(job, true, () => templatedMails.write(asked, job.jobId));
    },

    /** Removes the records of mails that were begun more than 30 days ago; their jobs are long gone. Safe to repeat. @returns how many */
    async removeOldDeliveries(): Promise<number> {
      const before = new Date(clock().getTime() - KEPT_DAYS * 86_400_000);
      const { count } = await db.emailDelivery.deleteMany({ where: { startedAt: { lt: before } } });
      return count;
    },
  };
}
