import type { QueueDeclaration } from "./defineQueue.ts";
import { emailQueue } from "./email.queue.ts";
import { examQueue } from "./exam.queue.ts";
import { systemQueue } from "./system.queue.ts";
import { transcodeQueue } from "./transcode.queue.ts";
import { userQueue } from "./user.queue.ts";
import { videoQueue } from "./video.queue.ts";

/** Everything about "all queues" loops over this list. */
export const allQueues: readonly QueueDeclaration[] = [
  examQueue,
  userQueue,
  emailQueue,
  videoQueue,
  transcodeQueue,
  systemQueue,
];
