import type { SpanExporter } from "@opentelemetry/sdk-trace-node";
import type { Logger } from "../utils/logger.ts";

const SUCCESS = 0;

/** The exporter, with a line in the log when spans begin to get lost, and one when they no longer do. */
export function sayingOutages(exporter: SpanExporter, log: Logger): SpanExporter {
  let isAway = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        const failed = result.code !== SUCCESS;
        if (failed && !isAway) log.warn({ err: result.error }, "traces do not reach their collector and are lost");
        if (!failed && isAway) log.info("traces reach their collector again");
        isAway = failed;
        done(result);
      }),
    forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve(),
    shutdown: () => exporter.shutdown(),
  };
}
