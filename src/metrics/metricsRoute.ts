import { createHash, timingSafeEqual } from "node:crypto";
import { BlockList, isIPv6 } from "node:net";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Metrics } from "./metrics.ts";

const ownNetworks = new BlockList();
for (const [network, prefix] of [
  ["127.0.0.0", 8],
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
  ["169.254.0.0", 16],
] as const)
  ownNetworks.addSubnet(network, prefix, "ipv4");
ownNetworks.addAddress("::1", "ipv6");
ownNetworks.addSubnet("fc00::", 7, "ipv6");
ownNetworks.addSubnet("fe80::", 10, "ipv6");

const PROXY_HEADERS = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/**
 * `/metrics` in Prometheus's text format, which is not for everybody: with a token, only for those who send it as
 * `Authorization: Bearer …`; without one, only for the networks of our own, and not through a proxy, behind which
 * everybody seems to be near.
 */
export function metricsRoute(
  app: FastifyInstance,
  { metrics, token }: { metrics: Metrics; token: string | undefined },
): void {
  const isAllowed = token === undefined ? isNear : hasToken(token);
  app.get("/metrics", async (request, reply) => {
    if (!isAllowed(request)) {
      reply.header("www-authenticate", "Bearer");
      return reply.code(401).type("text/plain").send("Send METRICS_TOKEN as a bearer token, or ask from within.\n");
    }
    const text = await metrics.text();
    return reply.header("cache-control", "no-store").type(metrics.registry.contentType).send(text);
  });
}

/** The socket's own address: with TRUST_PROXY the request's is what a header says. */
function isNear({ headers, raw: { socket } }: FastifyRequest): boolean {
  const address = socket.remoteAddress;
  if (address === undefined || PROXY_HEADERS.some((name) => headers[name] !== undefined)) return false;
  return ownNetworks.check(address, isIPv6(address) ? "ipv6" : "ipv4");
}

function hasToken(token: string): (request: FastifyRequest) => boolean {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  const expected = digest(`Bearer ${token}`);
  return ({ headers }) => timingSafeEqual(digest(headers.authorization ?? ""), expected);
}
