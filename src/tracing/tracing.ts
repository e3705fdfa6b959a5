import type { BullMQOtel } from "bullmq-otel";
import type { Logger } from "../utils/logger.ts";

/** Names, ids and figures. Never an address, an answer, a token, a name of a person, or the text of an error that may hold one. */
export type Attributes = Record<string, string | number | string[]>;

export interface SpanOptions {
  /** `internal` if not given. */
  kind?: "server" | "client" | "producer" | "internal";
  attributes?: Attributes;
  /** The traceparent of what it follows from, or null to begin a trace; the current span if not given. */
  parent?: string | null;
  /** Now, if not given. */
  startedAt?: Date;
}

/** A stretch of time in a trace. */
export interface Span {
  /** For whoever goes on with the trace elsewhere, as W3C's header of that name. */
  readonly traceparent?: string;
  set(attributes: Attributes): void;
  /** Runs something of which this is the current span. */
  run<Result>(work: () => Result): Result;
  /** @param error marks the span as failed, by the name of the error alone */
  end(error?: unknown): void;
}

export interface Tracing {
  readonly isOn: boolean;
  /** Begins a span that the caller ends. */
  begin(name: string, options?: SpanOptions): Span;
  /** Runs the work in a span that ends with it, and as it ends. */
  span<Result>(name: string, options: SpanOptions, work: () => Promise<Result>): Promise<Result>;
  /** The current span's, for whoever goes on with the trace elsewhere. */
  traceparent(): string | undefined;
  /** What BullMQ's workers are given. */
  readonly jobs?: BullMQOtel;
  /** Sends what is left, for three seconds at most. Never rejects. */
  close(): Promise<void>;
}

const noSpan: Span = { set() {}, run: (work) => work(), end() {} };

/** Costs nothing and loads nothing. */
export const noTracing: Tracing = {
  isOn: false,
  begin: () => noSpan,
  span: (_name, _options, work) => work(),
  traceparent: () => undefined,
  close: async () => {},
};

/** Tracing to the collector at `endpoint`; without one, none, and OpenTelemetry is not even loaded. One for each process. */
export async function openTracing(options: {
  /** Base address of an OTLP collector that takes JSON over HTTP. */
  endpoint: string | undefined;
  /** The share of traces that is recorded, 0 to 1. */
  share: number;
  program: string;
  log: Logger;
}): Promise<Tracing> {
  const { endpoint } = options;
  if (endpoint === undefined) return noTracing;
  const { openTelemetry } = await import("./openTelemetry.ts");
  return openTelemetry({ ...options, endpoint });
}

/** The id of the trace, if it is recorded: else there is nothing to be found under it. */
export const traceIdOf = (traceparent: string | undefined): string | undefined =>
  /^\w\w-(\w{32})-\w{16}-01$/.exec(traceparent ?? "")?.[1];
