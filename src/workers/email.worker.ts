import type { Handlers } from "../queues/defineQueue.ts";
import type { emailQueue } from "../queues/email.queue.ts";
import type { MailService } from "../services/mail.service.ts";

export interface EmailJobs {
  mails: Pick<MailService, "sendWritten" | "sendTemplated" | "removeOldDeliveries">;
}

export const emailHandlers = ({ mails }: EmailJobs): Handlers<typeof emailQueue> => ({
  /** May run twice: the record of the delivery stops a second mail. */
  sendEmail: (mail, job) => mails.sendWritten(mail, job),
  /** May run twice: the record of the delivery stops a second mail. */
  sendTemplate: (mail, job) => mails.sendTemplated(mail, job),
  /** May run twice: a record is removed once. */
  removeOldDeliveries: () => mails.removeOldDeliveries(),
});
