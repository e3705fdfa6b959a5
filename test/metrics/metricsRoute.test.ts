import { afterEach, describe, expect, it } from "@jest/globals";
import Fastify, { type FastifyInstance } from "fastify";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { metricsRoute } from "../../src/metrics/metricsRoute.ts";

let app: FastifyInstance;
afterEach(() => app.close());

const TOKEN = "what only Prometheus knows";

async function statusFor(
  from: { remoteAddress: string; headers?: Record<string, string> },
  { token, trustProxy = false }: { token?: string; trustProxy?: boolean } = {},
): Promise<number> {
  app = Fastify({ trustProxy });
  metricsRoute(app, { metrics: createMetrics(), token });
  return (await app.inject({ url: "/metrics", ...from })).statusCode;
}

describe("/metrics without a token", () => {
  it.each(["127.0.0.1", "::1", "::ffff:10.1.2.3", "172.20.0.5", "192.168.7.7", "fd00::7"])(
    "answers %s, which is near",
    async (remoteAddress) => {
      expect(await statusFor({ remoteAddress })).toBe(200);
    },
  );

  it.each(["203.0.113.9", "::ffff:203.0.113.9", "172.32.0.1", "2001:db8::1"])(
    "refuses %s, which may be anybody",
    async (remoteAddress) => {
      expect(await statusFor({ remoteAddress })).toBe(401);
    },
  );

  it.each(["x-forwarded-for", "forwarded", "x-real-ip", "via"])(
    "refuses what comes through a proxy, which %s tells",
    async (header) => {
      const from = { remoteAddress: "10.0.0.1", headers: { [header]: "127.0.0.1" } };
      expect(await statusFor(from)).toBe(401);
    },
  );

  it("believes no header about who asks, also behind a trusted proxy", async () => {
    const from = { remoteAddress: "203.0.113.9", headers: { "x-forwarded-for": "127.0.0.1" } };
    expect(await statusFor(from, { trustProxy: true })).toBe(401);
  });
});

describe("/metrics with a token", () => {
  it("answers whoever sends it, from anywhere", async () => {
    const from = { remoteAddress: "203.0.113.9", headers: { authorization: `Bearer ${TOKEN}` } };
    expect(await statusFor(from, { token: TOKEN })).toBe(200);
  });

  const others: Record<string, string>[] = [{}, { authorization: "Bearer something else" }, { authorization: TOKEN }];
  it.each(others)("refuses everybody else, also from near: %j", async (headers) => {
    expect(await statusFor({ remoteAddress: "127.0.0.1", headers }, { token: TOKEN })).toBe(401);
  });
});
