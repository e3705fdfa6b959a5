import { createPrivateKey } from "node:crypto";
import { z } from "zod";

const flag = z.stringbool();
const count = (min = 1) => z.coerce.number().int().min(min);
const seconds = count();
const url = (protocols: RegExp) =>
  z.url({ protocol: protocols, error: "must be a URL such as the one in .env.example" });

function isSigningKey(pem: string): boolean {
  try {
    return createPrivateKey(pem.replaceAll("\\n", "\n")).asymmetricKeyType === "ed25519";
  } catch {
    return false; // OpenSSL's words for it help nobody
  }
}

/** Every environment variable there is. `.env.example` and the README's table are checked against this by a test. */
export const configSchema = z.object({
  DATABASE_URL: url(/^postgres(ql)?$/).describe(
    "PostgreSQL, the truth: postgresql://user:password@host:5432/database.",
  ),
  DATABASE_POOL_MAX: count().default(10).describe("Connections one process opens for everything but saved answers."),
  SAVE_CONNECTIONS: count()
    .default(2)
    .describe("Connections one server opens for saving answers; each carries one batch at a time."),
  REDIS_URL: url(/^rediss?$/).describe("Redis for the queues: AOF on, maxmemory-policy noeviction."),
  CACHE_REDIS_URL: url(/^rediss?$/)
    .optional()
    .describe("Redis for the cache, if it has its own server; else REDIS_URL."),
  REDIS_PREFIX: z
    .string()
    .regex(/^[\w{}-]+$/)
    .default("lectern")
    .describe("First part of every key in Redis."),
  HOST: z.string().default("0.0.0.0").describe("Address the server and the worker's health page listen on."),
  PORT: z.coerce.number().int().min(0).max(65_535).default(4000).describe("Port of the GraphQL server."),
  WORKER_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(4001)
    .describe("Port of the worker's /healthz and /readyz."),
  TRUST_PROXY: flag
    .default(false)
    .describe("Take the client's address from X-Forwarded-For; only behind a proxy that sets it."),
  CORS_ORIGINS: z
    .string()
    .default("")
    .transform((list) =>
      list
        .split(",")
        .map((origin) => origin.trim())
        .filter(Boolean),
    )
    .describe("Comma-separated origins of browser front ends; empty allows none but the server's own."),
  JWT_PRIVATE_KEY: z
    .string()
    .refine(isSigningKey, "is no such key")
    .describe(
      "Ed25519 private key in PKCS#8 PEM that signs access tokens: openssl genpkey -algorithm ed25519. Line breaks may be written \\n.",
    ),
  ACCESS_TOKEN_SECONDS: seconds.default(900).describe("Life of an access token."),
  REFRESH_TOKEN_DAYS: count().default(30).describe("Life of a log-in that is not used."),
  SAVE_GRACE_SECONDS: count(0).default(10).describe("How long after the deadline a save in flight is still taken."),
  CACHE_TTL_SECONDS: seconds.default(7200).describe("How long a cached value lives when no write drops it first."),
  CACHE_MEMORY_MB: count().default(128).describe("Memory one server may use for cached values and answers, in MB."),
  BODY_LIMIT_KB: count().default(8192).describe("Largest request body, in KB; question imports are the largest."),
  INTROSPECTION: flag.default(false).describe("Whether the schema may be asked for over the API."),
  SANDBOX: flag.default(false).describe("Whether / shows Apollo Sandbox; for development."),
  LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal"])
    .default("info")
    .describe("Least severity that is logged."),
  LOG_PRETTY: flag.default(false).describe("Log for human readers instead of as JSON."),
  SHUTDOWN_SECONDS: seconds.default(20).describe("How long a process may take to finish its work after SIGTERM."),
});

export type Config = z.output<typeof configSchema>;

/** Thrown by {@link readConfig}; the message names every variable that is missing or wrong. */
export class ConfigError extends Error {
  override name = "ConfigError";
}

/**
 * Reads and checks the environment once; an empty variable counts as unset.
 * A program that needs only some of the variables names them, and is not stopped by the others.
 * @throws ConfigError that lists all problems together.
 */
export function readConfig(env?: NodeJS.ProcessEnv): Config;
export function readConfig<Name extends keyof Config>(
  env: NodeJS.ProcessEnv,
  names: readonly Name[],
): Pick<Config, Name>;
export function readConfig(env: NodeJS.ProcessEnv = process.env, names?: readonly (keyof Config)[]): Partial<Config> {
  if (!names) return parse(configSchema, env);
  const mask = Object.fromEntries(names.map((name) => [name, true])) as Partial<Record<keyof Config, true>>;
  return parse(configSchema.pick(mask), env);
}

function parse<Output>(schema: z.ZodType<Output>, env: NodeJS.ProcessEnv): Output {
  const present = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const result = schema.safeParse(present);
  if (result.success) return result.data;
  const problems = result.error.issues.map((issue) => {
    const name = String(issue.path[0]) as keyof typeof configSchema.shape;
    return `  ${name}: ${present[name] === undefined ? "is missing" : issue.message}. ${configSchema.shape[name].description}`;
  });
  throw new ConfigError(`The configuration is not complete:\n${problems.join("\n")}`);
}
