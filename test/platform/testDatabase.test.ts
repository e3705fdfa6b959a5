import { describe, expect, it } from "@jest/globals";
import { Redis } from "ioredis";
import pg from "pg";
import { createDb } from "../../prisma/client.ts";
import { pendingMigrations } from "../../prisma/migrate.ts";
import { createTestDatabase, testRedis } from "../support/testDatabase.ts";

describe("the test services", () => {
  it("give every caller a migrated database of its own, also when many ask at once", async () => {
    const databases = await Promise.all(Array.from({ length: 8 }, createTestDatabase));
    expect(new Set(databases.map(({ url }) => url)).size).toBe(8);
    const db = createDb({ url: databases[0]!.url, poolMax: 1 });
    expect(await pendingMigrations(db)).toEqual([]);
    expect(await db.user.count()).toBe(0);
    await db.$disconnect();
    await Promise.all(databases.map(({ drop }) => drop()));
    await expect(new pg.Client(databases[0]!.url).connect()).rejects.toMatchObject({ code: "3D000" });
  });

  it("share a Redis that keeps what queues need", async () => {
    const { url, prefix } = testRedis();
    const redis = new Redis(url);
    await redis.set(`${prefix}:key`, "value");
    expect(await redis.get(`${prefix}:key`)).toBe("value");
    expect(await redis.config("GET", "maxmemory-policy")).toContain("noeviction");
    await redis.quit();
  });
});
