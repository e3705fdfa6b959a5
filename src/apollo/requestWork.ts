import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { inWork } from "../currentWork.ts";
import { type Span, type Tracing, traceIdOf } from "../tracing/tracing.ts";

/**
 * With tracing on, makes every request a span, which goes on with the trace of the caller's `traceparent`, and a piece of work.
 * Without it the server hands request ids on in arguments: to follow asynchronous work costs every request of a process on
 * Node 20, a stored answer a tenth of its time. To be added before any route.
 */
export function requestWork(app: FastifyInstance, tracing: Tracing): void {
  if (!tracing.isOn) return;
  const open = new WeakMap<FastifyRequest, Span>();
  app.addHook("onRequest", (request, _reply, done) => {
    const span = beginSpan(request);
    open.set(request, span);
    const traceId = traceIdOf(span.traceparent);
    span.run(() => inWork({ requestId: request.id, ...(traceId && { traceId }) }, done));
  });
  app.addHook("onResponse", (request, reply, done) => {
    endSpan(open.get(request), reply);
    done();
  });

  function beginSpan(request: FastifyRequest): Span {
    const { method, headers, routeOptions } = request;
    const route = routeOptions.url ?? "unknown"; // never the address itself: some hold tokens
    const given = headers.traceparent;
    return tracing.begin(`${method} ${route}`, {
      kind: "server",
      parent: typeof given === "string" ? given : null,
      attributes: { "http.request.method": method, "http.route": route, "lectern.request_id": request.id },
    });
  }
}

function endSpan(span: Span | undefined, { statusCode }: FastifyReply): void {
  span?.set({ "http.response.status_code": statusCode });
  span?.end(statusCode >= 500 ? { name: String(statusCode) } : undefined);
}
