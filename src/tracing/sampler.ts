import { isSpanContextValid, SpanKind, trace } from "@opentelemetry/api";
import {
  ParentBasedSampler,
  type Sampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
} from "@opentelemetry/sdk-trace-node";

/** Asked every few seconds by machines. */
const QUIET_ROUTES = new Set<unknown>(["/healthz", "/readyz", "/metrics"]);
/** What BullMQ's workers do beside running jobs. */
const UPKEEP = /^(add|getNextJob|rateLimit|pause|resume|close|startStalledCheckTimer|moveStalledJobsToWait) /;

/**
 * A trace begins with a request, or with an outbox row that no request wrote; of those, the share is recorded. Whoever goes on with
 * a trace does as it began, also if it came from outside. What an idle process does begins none: beats, looks around, schedules.
 */
export function createSampler(share: number): Sampler {
  const byParent = new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) });
  return {
    shouldSample(context, traceId, name, kind, attributes, links) {
      const parent = trace.getSpanContext(context);
      const isRoot = !parent || !isSpanContextValid(parent);
      const beginsTrace = kind === SpanKind.SERVER || kind === SpanKind.PRODUCER;
      if (UPKEEP.test(name) || QUIET_ROUTES.has(attributes["http.route"]) || (isRoot && !beginsTrace))
        return { decision: SamplingDecision.NOT_RECORD };
      return byParent.shouldSample(context, traceId, name, kind, attributes, links);
    },
    toString: () => `Lectern{${share}}`,
  };
}
