import { generateKeyPairSync, randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { createApp } from "../../src/apollo/index.ts";
import { type Config, readConfig } from "../../src/config.ts";
import { type Ambient, type Container, createContainer } from "../../src/container.ts";
import { createReadiness } from "../../src/readiness.ts";
import { createRedis } from "../../src/redis/redis.ts";
import { createLogger, type Logger } from "../../src/utils/logger.ts";
import { allWorkers } from "../../src/workers/allWorkers.ts";
import { startWorkers } from "../../src/workers/startWorker.ts";
import { createTestDatabase, testRedis } from "./testDatabase.ts";

export interface GraphqlAnswer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: a test looks into answers of any shape
  data: any;
  errors?: { message: string; path?: (string | number)[]; extensions: Record<string, unknown> }[];
}

export interface TestApp {
  url: string;
  config: Config;
  container: Container;
  /** Sends a GraphQL request over HTTP as a client would. */
  ask(query: string, variables?: Record<string, unknown>, token?: string): Promise<GraphqlAnswer>;
  /** The code (or reason, where there is one) of the first error of an answer. */
  refusal(query: string, variables?: Record<string, unknown>, token?: string): Promise<unknown>;
  close(): Promise<void>;
}

export const testPrivateKey = generateKeyPairSync("ed25519").privateKey.export({
  type: "pkcs8",
  format: "pem",
}) as string;

const testSecretsKey = randomBytes(32).toString("base64");

/** The environment of a process on a database and a key prefix of its own. */
export function testEnvironment(databaseUrl: string, redis: { url: string; prefix: string }): Record<string, string> {
  return {
    DATABASE_URL: databaseUrl,
    REDIS_URL: redis.url,
    REDIS_PREFIX: redis.prefix,
    JWT_PRIVATE_KEY: testPrivateKey,
    SECRETS_KEY: testSecretsKey,
    APP_URL: "https://school.example",
    PUBLIC_URL: "https://api.school.example",
    // Nobody listens there: a test about mail names its own server.
    SMTP_URL: "smtp://127.0.0.1:1",
    MAIL_FROM: "Lectern <lectern@school.example>",
    RATE_LIMIT_FACTOR: "1000",
    // A machine on which many tests run at once may really be too busy.
    LOAD_SHEDDING: "false",
    HOST: "127.0.0.1",
    PORT: "0",
    WORKER_PORT: "0",
    INTROSPECTION: "true",
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? "fatal",
    SAVE_GRACE_SECONDS: "1",
    STORAGE_DIR: path.join(os.tmpdir(), `lectern-files-${redis.prefix}`),
  };
}

/** A server with its own database and key prefix, listening on a free port; with `worker`, jobs are worked on too. */
export async function startTestApp({
  worker = false,
  env = {},
  log: givenLog,
  ambient,
  lines,
  beside,
}: {
  worker?: boolean;
  env?: Record<string, string>;
  /** Where the log lines go; else to standard output. */
  log?: Logger;
  /** The time and the ids, where a test decides on them. */
  ambient?: Ambient;
  /** Who seems to wait for the database, where a test decides on it. */
  lines?: Container["lines"];
  /** Makes a second process of this one's installation: same database, same Redis. Close it first. */
  beside?: Pick<TestApp, "config">;
} = {}): Promise<TestApp> {
  const database = beside ? null : await createTestDatabase();
  const config = beside?.config ?? readConfig({ ...testEnvironment(database!.url, testRedis()), ...env });
  const log = givenLog ?? createLogger({ level: config.LOG_LEVEL, pretty: false, program: "test" });
  const container = await createContainer(config, log, ambient);
  const readiness = createReadiness({ db: container.db, redis: container.queueRedis });
  const app = await createApp({ container: { ...container, ...(lines && { lines }) }, readiness, config, log });
  const url = await app.listen({ host: config.HOST, port: 0 });
  const workerRedis = worker ? createRedis(config.REDIS_URL, { role: "worker", log }) : null;
  const workers =
    workerRedis &&
    startWorkers({
      ...container,
      workers: allWorkers({ ...container, ...container.services }),
      redis: workerRedis,
      log,
      onJobEvent: ({ queue, jobId }) => void container.events.publish("jobChanged", { queue, jobId }),
    });
  if (worker) container.outbox.startRelay();

  async function ask(query: string, variables: Record<string, unknown> = {}, token?: string): Promise<GraphqlAnswer> {
    const response = await fetch(`${url}/graphql`, {
      method: "POST",
      headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify({ query, variables }),
    });
    const body = (await response.json()) as Pick<GraphqlAnswer, "data" | "errors">;
    return { status: response.status, headers: response.headers, ...body };
  }

  return {
    url,
    config,
    container,
    ask,
    async refusal(query, variables, token) {
      const { errors } = await ask(query, variables, token);
      const extensions = errors?.[0]?.extensions;
      return extensions && (extensions.reason ?? extensions.code);
    },
    async close() {
      await app.close();
      await workers?.close(5_000);
      workerRedis?.disconnect();
      await container.close();
      await database?.drop();
      if (!beside) await rm(config.STORAGE_DIR, { recursive: true, force: true });
    },
  };
}
