import type { Job } from "bullmq";
import type { Work } from "../currentWork.ts";
import type { JobData } from "../queues/defineQueue.ts";
import { traceIdOf } from "../tracing/tracing.ts";

/** The work a job is part of: that of the request which asked for it; a run of a schedule goes by its own id. */
export function workOf({ id, data, opts }: Job<JobData>): Work {
  const requestId = data.requestId ?? id!;
  const carried = opts.telemetry?.metadata;
  const traceId = carried && traceIdOf(JSON.parse(carried).traceparent);
  return traceId ? { requestId, traceId } : { requestId };
}
