import { type Context, type Span, SpanStatusCode, trace } from "@opentelemetry/api";
import { BullMQOTelSpan, BullMQOtel } from "bullmq-otel";
import { errorType } from "./errorType.ts";

/**
 * What BullMQ's workers tell of the jobs they run. The texts of errors are left out, since they may name people. A run of a
 * schedule is part of no trace, and neither of the next run's: the jobs it asks for begin one each.
 */
export function jobTelemetry(): BullMQOtel {
  const telemetry = new BullMQOtel({ tracerName: "bullmq" });
  const tracer = trace.getTracer("bullmq");
  telemetry.tracer.startSpan = (name, options, parent) =>
    new JobSpan(tracer.startSpan(name, options, parent), parent !== undefined);
  telemetry.contextManager.getMetadata = () => "";
  return telemetry;
}

class JobSpan extends BullMQOTelSpan {
  readonly #isInTrace: boolean;

  constructor(span: Span, isInTrace: boolean) {
    super(span);
    this.#isInTrace = isInTrace;
  }

  override setSpanOnContext(context: Context): Context {
    return this.#isInTrace ? super.setSpanOnContext(context) : context;
  }

  override addEvent(name: string): void {
    if (name === "job failed") this.span.setStatus({ code: SpanStatusCode.ERROR });
    super.addEvent(name);
  }

  override recordException(exception: unknown): void {
    this.span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", errorType(exception));
  }
}
