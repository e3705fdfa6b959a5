import type { DeadLetters } from "../queues/deadLetters.ts";
import type { Handlers } from "../queues/defineQueue.ts";
import { emailQueue } from "../queues/email.queue.ts";
import type { userQueue } from "../queues/user.queue.ts";
import type { CleanUpService } from "../services/cleanUp.service.ts";
import type { ErasureService } from "../services/erasure.service.ts";
import type { ImportRuns } from "../services/importRuns.ts";
import type { PrivacyService } from "../services/privacy.service.ts";

export interface UserJobs {
  importRuns: Pick<ImportRuns, "run">;
  privacy: Pick<PrivacyService, "exportData">;
  erasure: Pick<ErasureService, "eraseAccount">;
  deadLetters: Pick<DeadLetters, "forget">;
  cleanUp: Pick<CleanUpService, "removeExpired">;
}

export const userHandlers = ({
  importRuns,
  privacy,
  erasure,
  deadLetters,
  cleanUp,
}: UserJobs): Handlers<typeof userQueue> => ({
  /** May run twice: rows that are written down as done are passed over. */
  importUsers: ({ importId }, job) => importRuns.run(importId, job),
  /** May run twice: a file that is ready is left as it is. */
  exportData: ({ exportId }) => privacy.exportData(exportId),
  /** May run twice: an account that is erased, or kept after all, is left as it is. */
  eraseAccount: ({ userId }) => erasure.eraseAccount(userId),
  /** May run twice: what is gone is passed over. */
  forgetMails: ({ jobIds }) => deadLetters.forget(emailQueue.name, jobIds),
  /** May run twice: what is removed once is gone. */
  removeExpired: () => cleanUp.removeExpired(),
});
