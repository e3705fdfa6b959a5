import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { Job } from "bullmq";
import type { JobData } from "../../queues/defineQueue.ts";
import { redactPayload, redactText } from "../../queues/redactPayload.ts";

/** A queue as Bull Board may show it: without buttons, and its jobs without what is private. */
export class RedactedAdapter extends BullMQAdapter {
  override async getJob(id: string) {
    const job: Job | undefined = await super.getJob(id);
    return job && redacted(job);
  }

  override async getJobs(...wish: Parameters<BullMQAdapter["getJobs"]>) {
    return (await super.getJobs(...wish)).map(redacted);
  }
}

/** Everything the board shows of a job comes from its JSON. */
function redacted(job: Job): Job {
  const whole = job.toJSON();
  const data: JobData = job.data;
  const shown = {
    ...whole,
    data: { ...data, payload: redactPayload(job.queueName, job.name, data.payload) },
    returnvalue: redactPayload(job.queueName, job.name, job.returnvalue),
    failedReason: redactText(job.failedReason ?? ""),
    stacktrace: whole.stacktrace?.map(redactText) ?? null,
  };
  job.toJSON = () => shown;
  return job;
}
