import os from "node:os";
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchSpanProcessor, NodeTracerProvider } from "@opentelemetry/sdk-trace-node";
import type { Logger } from "../utils/logger.ts";
import { errorType } from "./errorType.ts";
import { jobTelemetry } from "./jobTelemetry.ts";
import { createSampler } from "./sampler.ts";
import { sayingOutages } from "./sayingOutages.ts";
import type { Span, SpanOptions, Tracing } from "./tracing.ts";

const EXPORT_WITHIN_MS = 5_000;
const CLOSE_WITHIN_MS = 3_000;
const KINDS = {
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  internal: SpanKind.INTERNAL,
};

/**
 * Records spans and sends them in the background, from a queue that holds two thousand: what finds no room, or no collector, is
 * lost, and nobody waits for it. Registers itself with OpenTelemetry, so there is one in a process.
 */
export function openTelemetry({
  endpoint,
  share,
  program,
  log,
}: {
  endpoint: string;
  share: number;
  program: string;
  log: Logger;
}): Tracing {
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/$/, "")}/v1/traces`,
    timeoutMillis: EXPORT_WITHIN_MS,
  });
  const provider = new NodeTracerProvider({
    resource: resourceFromAttributes({
      "service.namespace": "lectern",
      "service.name": `lectern-${program}`,
      "service.instance.id": `${os.hostname()}-${process.pid}`,
    }),
    sampler: createSampler(share),
    spanProcessors: [new BatchSpanProcessor(sayingOutages(exporter, log), { exportTimeoutMillis: EXPORT_WITHIN_MS })],
  });
  provider.register();
  const tracer = trace.getTracer("lectern");

  function begin(name: string, { kind = "internal", attributes, parent, startedAt }: SpanOptions = {}): Span {
    const from = parent === undefined ? context.active() : propagation.extract(ROOT_CONTEXT, { traceparent: parent });
    const span = tracer.startSpan(name, { kind: KINDS[kind], attributes, startTime: startedAt }, from);
    const within = trace.setSpan(from, span);
    return {
      traceparent: traceparentOf(within),
      set: (more) => span.setAttributes(more),
      run: (work) => context.with(within, work),
      end(error) {
        if (error !== undefined)
          span.setStatus({ code: SpanStatusCode.ERROR }).setAttribute("error.type", errorType(error));
        span.end();
      },
    };
  }

  return {
    isOn: true,
    begin,
    async span(name, options, work) {
      const span = begin(name, options);
      try {
        const result = await span.run(work);
        span.end();
        return result;
      } catch (error) {
        span.end(error);
        throw error;
      }
    },
    traceparent: () => traceparentOf(context.active()),
    jobs: jobTelemetry(),
    async close() {
      const limit = AbortSignal.timeout(CLOSE_WITHIN_MS);
      const isOver = new Promise<void>((resolve) => limit.addEventListener("abort", () => resolve()));
      await Promise.race([
        provider.shutdown().catch((err) => log.warn({ err }, "the last spans were not sent")),
        isOver,
      ]);
    },
  };
}

function traceparentOf(within: ReturnType<typeof context.active>): string | undefined {
  const carrier: { traceparent?: string } = {};
  propagation.inject(within, carrier);
  return carrier.traceparent;
}
