import type { Handlers } from "../queues/defineQueue.ts";
import type { userQueue } from "../queues/user.queue.ts";

export interface UserJobs {
  accounts: { removeExpiredSessions(): Promise<number> };
}

export const userHandlers = ({ accounts }: UserJobs): Handlers<typeof userQueue> => ({
  /** May run twice: a session is removed once. */
  removeExpiredSessions: () => accounts.removeExpiredSessions(),
});
