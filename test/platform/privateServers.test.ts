import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "@jest/globals";
import { Redis } from "ioredis";
import pg from "pg";
import { startPrivatePostgres } from "../../dev/privatePostgres.ts";
import { startPrivateRedis } from "../../dev/privateRedis.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), "lectern-servers-"));
  chmodSync(folder, 0o755);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function ask(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client(url);
  await client.connect();
  try {
    return (await client.query(statement)).rows;
  } finally {
    await client.end();
  }
}

async function withRedis<T>(url: string, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(url);
  try {
    return await use(redis);
  } finally {
    redis.disconnect();
  }
}

describe("the private PostgreSQL", () => {
  it("keeps what was committed when it is killed, and comes back on the same port", async () => {
    const postgres = await startPrivatePostgres({ folder });
    try {
      await ask(postgres.url("postgres"), "CREATE TABLE kept AS SELECT 'É' AS letter");
      await postgres.kill();
      expect(postgres.pid).toBeUndefined();
      await expect(ask(postgres.url("postgres"), "SELECT 1")).rejects.toMatchObject({ code: "ECONNREFUSED" });
      await postgres.start();
      expect(await ask(postgres.url("postgres"), "SELECT lower(letter) AS small FROM kept")).toEqual([{ small: "é" }]);
    } finally {
      await postgres.stop();
    }
  });

  it("is found again by another start on its folder, which first stops a server that was left behind", async () => {
    const left = await startPrivatePostgres({ folder });
    await ask(left.url("postgres"), "CREATE TABLE kept (id int)");
    const next = await startPrivatePostgres({ folder });
    try {
      expect(await left.exited()).toBe("exit code 0");
      expect(await ask(next.url("postgres"), "SELECT count(*)::int AS rows FROM kept")).toEqual([{ rows: 0 }]);
    } finally {
      await next.stop();
    }
  });

  it("lets nobody in without its password", async () => {
    const postgres = await startPrivatePostgres({ folder });
    try {
      const url = new URL(postgres.url("postgres"));
      url.password = "guess";
      await expect(ask(url.href, "SELECT 1")).rejects.toMatchObject({ code: "28P01" });
    } finally {
      await postgres.stop();
    }
  });

  it("runs in a folder that only we may enter", async () => {
    chmodSync(folder, 0o700);
    const postgres = await startPrivatePostgres({ folder: path.join(folder, "postgres") });
    try {
      expect(await ask(postgres.url("postgres"), "SELECT 1 AS one")).toEqual([{ one: 1 }]);
    } finally {
      await postgres.stop();
    }
  });

  it("says what is in the way when its port is taken", async () => {
    const first = await startPrivatePostgres({ folder: path.join(folder, "first") });
    try {
      const second = startPrivatePostgres({ folder: path.join(folder, "second"), port: first.port });
      await expect(second).rejects.toThrow(/did not come up.*Address already in use/s);
    } finally {
      await first.stop();
    }
  });
});

describe("the private Redis", () => {
  it("keeps what its log has on disk when it is killed, and comes back on the same port", async () => {
    const redis = await startPrivateRedis({ folder });
    try {
      await withRedis(redis.url, async (client) => {
        await client.set("kept", "yes");
        await client.config("SET", "appendfsync", "always"); // so that the next write is on disk when it is answered
        await client.set("flushed", "yes");
      });
      await redis.kill();
      await redis.start();
      expect(await withRedis(redis.url, (client) => client.mget("kept", "flushed"))).toEqual(["yes", "yes"]);
    } finally {
      await redis.stop();
    }
  });

  it("is stopped by another start on its folder: two servers never write one log", async () => {
    const left = await startPrivateRedis({ folder });
    await withRedis(left.url, (client) => client.set("kept", "yes"));
    const next = await startPrivateRedis({ folder });
    try {
      expect(await left.exited()).toBe("exit code 0");
      expect(await withRedis(next.url, (client) => client.get("kept"))).toBe("yes");
    } finally {
      await next.stop();
    }
  });
});
