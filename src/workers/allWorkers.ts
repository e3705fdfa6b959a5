import { emailQueue } from "../queues/email.queue.ts";
import { examQueue } from "../queues/exam.queue.ts";
import { systemQueue } from "../queues/system.queue.ts";
import { userQueue } from "../queues/user.queue.ts";
import { type EmailJobs, emailHandlers } from "./email.worker.ts";
import { type ExamJobs, examHandlers } from "./exam.worker.ts";
import { type QueueWorker, workerOf } from "./queueWorker.ts";
import { type SystemJobs, systemHandlers } from "./system.worker.ts";
import { type UserJobs, userHandlers } from "./user.worker.ts";

/** Every queue with its handlers: what a worker process runs. */
export const allWorkers = (jobs: ExamJobs & UserJobs & EmailJobs & SystemJobs): QueueWorker[] => [
  workerOf(examQueue, examHandlers(jobs)),
  workerOf(userQueue, userHandlers(jobs)),
  workerOf(emailQueue, emailHandlers(jobs)),
  workerOf(systemQueue, systemHandlers(jobs)),
];
