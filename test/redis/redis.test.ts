import { mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { pino } from "pino";
import { type PrivateRedis, startPrivateRedis } from "../../dev/privateRedis.ts";
import { createRedis, type RedisRole } from "../../src/redis/redis.ts";
import { until } from "./until.ts";

const log = pino({ level: "silent" });
let folder: string;
let server: PrivateRedis;

beforeAll(async () => {
  folder = mkdtempSync(path.join(os.tmpdir(), "lectern-redis-"));
  server = await startPrivateRedis({ folder });
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

async function connect(role: RedisRole) {
  const redis = createRedis(server.url, { role, log });
  await until("it is connected", () => redis.status === "ready");
  return redis;
}

describe.each<RedisRole>(["queue", "cache", "subscriber"])("a connection of the role %s", (role) => {
  it("fails at once while Redis is away, also what was under way, and comes back by itself", async () => {
    const redis = await connect(role);
    try {
      process.kill(server.pid as number, "SIGSTOP"); // so that the command is certainly under way
      const underWay = expect(redis.ping()).rejects.toThrow();
      await server.kill();
      await underWay;
      await expect(redis.ping()).rejects.toThrow(); // the server is started only after that
      await server.start();
      await until("it is back", () => redis.status === "ready");
    } finally {
      redis.disconnect();
      await server.start();
    }
  });
});

describe("a connection of the role worker", () => {
  it("waits out an outage", async () => {
    const redis = await connect("worker");
    await server.kill();
    await until("it is noticed", () => redis.status !== "ready");
    const waiting = redis.ping();
    await server.start();
    expect(await waiting).toBe("PONG");
    redis.disconnect();
  });
});

describe("a connection of the role subscriber", () => {
  it("is given up when Redis says nothing more, so that nobody takes silence for no news", async () => {
    const redis = await connect("subscriber");
    process.kill(server.pid as number, "SIGSTOP");
    try {
      await until("it is given up", () => redis.status !== "ready");
    } finally {
      process.kill(server.pid as number, "SIGCONT");
    }
    await until("it is back", () => redis.status === "ready");
    redis.disconnect();
  });
});
