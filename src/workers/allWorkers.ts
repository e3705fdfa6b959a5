import { emailQueue } from "../queues/email.queue.ts";
import { examQueue } from "../queues/exam.queue.ts";
import { systemQueue } from "../queues/system.queue.ts";
import { transcodeQueue } from "../queues/transcode.queue.ts";
import { userQueue } from "../queues/user.queue.ts";
import { videoQueue } from "../queues/video.queue.ts";
import { type EmailJobs, emailHandlers } from "./email.worker.ts";
import { type ExamJobs, examHandlers } from "./exam.worker.ts";
import { type QueueWorker, workerOf } from "./queueWorker.ts";
import { type SystemJobs, systemHandlers } from "./system.worker.ts";
import { type TranscodeJobs, transcodeHandlers } from "./transcode.worker.ts";
import { type UserJobs, userHandlers } from "./user.worker.ts";
import { type VideoJobs, videoHandlers } from "./video.worker.ts";

/** Every queue with its handlers: what a worker process runs. */
export const allWorkers = (
  jobs: ExamJobs & UserJobs & EmailJobs & VideoJobs & TranscodeJobs & SystemJobs,
): QueueWorker[] => [
  workerOf(examQueue, examHandlers(jobs)),
  workerOf(userQueue, userHandlers(jobs)),
  workerOf(emailQueue, emailHandlers(jobs)),
  workerOf(videoQueue, videoHandlers(jobs)),
  workerOf(transcodeQueue, transcodeHandlers(jobs)),
  workerOf(systemQueue, systemHandlers(jobs)),
];
