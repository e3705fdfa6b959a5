import { rmSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it, jest } from "@jest/globals";
import { eventually } from "../support/eventually.ts";
import { openSite, type Site } from "../support/processes.ts";
import { findIncident, remedyOf } from "./support.ts";

/** Generous: servers start here, and the machine may be busy. */
jest.setTimeout(120_000);

let site: Site;
beforeAll(async () => {
  site = await openSite({ own: ["redis", "postgres"] });
  await eventually("Redis is there", () => site.container.queueRedis.status === "ready");
});
afterAll(() => site.close());

const redis = () => site.container.queueRedis;
const set = (...settings: string[]) => redis().config("SET", ...(settings as [string, string]));
const info = async (field: string) => new RegExp(`^${field}:(.*?)\\r?$`, "m").exec(await redis().info())?.[1];
/** Leaves Redis room for two more megabytes. */
const limitMemory = async () => set("maxmemory", String(Number(await info("used_memory")) + 2_000_000));
const fill = async (count: number) => {
  for (let index = 0; index < count; index++) await redis().set(`filling:${index}`, "x".repeat(50_000));
};
const empty = async () => {
  await set("maxmemory", "0", "maxmemory-policy", "noeviction");
  const keys = await redis().keys("filling:*");
  if (keys.length > 0) await redis().del(keys);
};

describe("found within the time it states, by its name and with a remedy:", () => {
  it("Redis full", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "redisFull", subject: "redis" },
      breaks: async () => {
        await limitMemory();
        await expect(fill(200)).rejects.toThrow("OOM");
      },
    });
    expect(alert.says).toMatch(/^Redis has used \d+ % of its memory\.$/);
    expect(alert).toMatchObject({ severity: "critical", remedy: remedyOf("redisFull") });
    await empty();
  });

  it("Redis that may evict", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "redisMayEvict", subject: "redis" },
      breaks: () => set("maxmemory-policy", "allkeys-lru"),
    });
    expect(alert.says).toContain("maxmemory-policy is allkeys-lru");
    expect(alert.remedy).toContain("noeviction");
  });

  it("Redis that evicts", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "redisEvicts", subject: "redis" },
      breaks: async () => {
        await set("maxmemory-policy", "allkeys-lru");
        await limitMemory();
        await fill(100);
      },
    });
    expect(alert).toMatchObject({ severity: "critical", remedy: remedyOf("redisEvicts") });
    await empty();
  });

  it("Redis without its append-only file", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "redisForgets", subject: "redis" },
      breaks: () => set("appendonly", "no"),
    });
    expect(alert.remedy).toContain("CONFIG SET appendonly yes");
    await set("appendonly", "yes");
    await eventually("the file is written anew", async () => (await info("aof_rewrite_in_progress")) === "0");
  });

  it("Redis away", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "redisAway", subject: "redis" },
      breaks: () => site.redis.kill(),
    });
    expect(alert).toMatchObject({ severity: "critical", remedy: remedyOf("redisAway") });
    await site.redis.start();
    await eventually("Redis is back", () => redis().status === "ready");
  });

  it("PostgreSQL away", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "postgresAway", subject: "postgres" },
      breaks: () => site.postgres.kill(),
    });
    expect(alert.says).toMatch(/^PostgreSQL is away: ./);
    expect(alert).toMatchObject({ severity: "critical", remedy: remedyOf("postgresAway") });
  });

  it("Redis that cannot write its append-only file", async () => {
    const alert = await findIncident(site, {
      ...{ rule: "redisCannotWrite", subject: "redis" },
      breaks: async () => {
        const [, folder] = (await redis().config("GET", "dir")) as [string, string];
        rmSync(folder, { recursive: true }); // as a disk that is gone
        await redis()
          .bgrewriteaof()
          .catch(() => {}); // refused at once, or tried in vain, as the version likes
      },
    });
    expect(alert.remedy).toContain("disk");
  });
});
