import { createPrivateKey } from "node:crypto";
import { z } from "zod";
import { alertOverrides } from "./monitor/alerts/alertOverrides.ts";
import { allQueues } from "./queues/allQueues.ts";

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

const email = z.email("must be an e-mail address such as lectern@school.example, or Lectern <lectern@school.example>");
/** As browsers send it: without a path, not even a slash. */
const origin = z
  .url({ protocol: /^https?$/, error: "must be origins such as https://school.example" })
  .transform((text) => new URL(text).origin);
const roles = ["STUDENT", "INSTRUCTOR", "ADMIN"] as const;
const listOf = (list: string) =>
  list
    .split(",")
    .map((entry) => entry.trim())
    .filter(Boolean);

const queueNames = allQueues.map(({ name }) => name);

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
    .describe("Port of the worker's /healthz, /readyz and /metrics."),
  WORKER_QUEUES: z
    .string()
    .default("")
    .transform(listOf)
    .pipe(z.array(z.enum(queueNames, `must be some of ${queueNames.join(", ")}`)))
    .transform((names) => (names.length > 0 ? names : queueNames))
    .describe("Comma-separated queues that a worker works on, e.g. exam,email; empty for all."),
  MONITOR_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .default(4002)
    .describe("Port of the monitor's pages (queueMonitor --serve)."),
  MONITOR_READERS: z
    .string()
    .default("")
    .transform(listOf)
    .pipe(z.array(z.email("must be e-mail addresses, separated by commas")))
    .describe("Comma-separated addresses of accounts that may look at the monitor's pages; an ADMIN may look and act."),
  METRICS_TOKEN: z
    .string()
    .min(16, "must have 16 characters or more")
    .optional()
    .describe(
      "What /metrics asks for as a bearer token; without it only private networks may read it, and not through a proxy.",
    ),
  TRUST_PROXY: flag
    .default(false)
    .describe("Take the client's address from X-Forwarded-For; only behind a proxy that sets it."),
  CORS_ORIGINS: z
    .string()
    .default("")
    .transform(listOf)
    .pipe(z.array(origin))
    .describe("Comma-separated origins of browser front ends; empty allows none but the server's own."),
  JWT_PRIVATE_KEY: z
    .string()
    .refine(isSigningKey, "is no such key")
    .describe(
      "Ed25519 private key in PKCS#8 PEM that signs access tokens: openssl genpkey -algorithm ed25519. Line breaks may be written \\n.",
    ),
  JWT_PREVIOUS_KEYS: z
    .string()
    .default("")
    .transform((pems) => pems.replaceAll("\\n", "\n").match(/-----BEGIN [^-]+-----[^-]+-----END [^-]+-----/g) ?? [])
    .refine((pems) => pems.every(isSigningKey), "holds something that is no such key")
    .describe(
      "Earlier values of JWT_PRIVATE_KEY, one after the other, whose tokens are still believed until they expire.",
    ),
  SECRETS_KEY: z
    .string()
    .refine((text) => Buffer.from(text, "base64").length === 32, "must be 32 bytes in base64")
    .describe(
      "Key that seals second factors and makes refresh tokens and links: openssl rand -base64 32. A new one ends all sessions and second factors.",
    ),
  ACCESS_TOKEN_SECONDS: seconds.default(900).describe("Life of an access token."),
  REFRESH_TOKEN_DAYS: count().default(30).describe("Life of a log-in that is not used."),
  SECOND_FACTOR_ROLES: z
    .string()
    .default("")
    .transform(listOf)
    .pipe(z.array(z.enum(roles, `must be some of ${roles.join(", ")}`)))
    .describe("Comma-separated roles that must use a second factor, e.g. ADMIN,INSTRUCTOR."),
  UNVERIFIED_MAY_START: flag.default(false).describe("Whether people whose address is not verified may start exams."),
  UNVERIFIED_DAYS: count()
    .default(30)
    .describe("After this long an account that was never verified and is in no course is removed."),
  ATTEMPT_LOG_DAYS: count()
    .default(730)
    .describe("How long after its start the log of an attempt is kept: who did what when, for disputes about exams."),
  DELETION_DAYS: count(0).default(14).describe("How long the deletion of an account can be undone."),
  RATE_LIMIT_FACTOR: z.coerce
    .number()
    .positive()
    .default(1)
    .describe("Multiplies every rate limit, e.g. 5 where thousands share one address."),
  APP_URL: url(/^https?$/).describe(
    "Where the front end is; links in mails lead to its /verify-email, /reset-password and /accept-invitation.",
  ),
  PUBLIC_URL: url(/^https?$/).describe("Where this server is reached from outside; links to downloads begin with it."),
  SMTP_URL: url(/^smtps?$/).describe(
    "Mail server: smtp://user:password@host:587, or smtps:// for TLS from the start. STARTTLS is used where it is offered.",
  ),
  MAIL_FROM: z
    .string()
    .refine((from) => email.safeParse(/<([^<>]+)>$/.exec(from)?.[1] ?? from).success, "must be such an address")
    .describe("Sender of all mails: Lectern <lectern@school.example>."),
  MAIL_PER_SECOND: count().default(10).describe("Most mails one worker sends in a second."),
  STORAGE_DIR: z
    .string()
    .default("files")
    .describe("Folder that uploaded files and videos are kept in; shared by all servers and workers."),
  S3_BUCKET: z.string().optional().describe("Keep files in this bucket instead of a folder."),
  S3_ENDPOINT: url(/^https?$/)
    .optional()
    .describe("Address of the S3 server, where it is not Amazon's."),
  S3_REGION: z.string().default("us-east-1").describe("Region of the bucket."),
  S3_ACCESS_KEY_ID: z
    .string()
    .optional()
    .describe("Key of the bucket; without it the machine's own permissions count."),
  S3_SECRET_ACCESS_KEY: z.string().optional().describe("Secret of S3_ACCESS_KEY_ID."),
  VIDEO_MAX_MB: count().default(4096).describe("Largest video file that may be uploaded, in MB."),
  VIDEO_MAX_MINUTES: count().default(240).describe("Longest video that is processed."),
  TRANSCODE_THREADS: count(0).default(0).describe("Cores that one worker's ffmpeg uses; 0 for all there are."),
  PLAYBACK_KEYS: z
    .string()
    .default("")
    .transform(listOf)
    .refine(
      (keys) => keys.every((key) => Buffer.from(key, "base64").length === 32),
      "must be keys of 32 bytes in base64",
    )
    .describe(
      "Comma-separated keys that sign playback links, each from openssl rand -base64 32: the first signs, all are believed; empty for one made of SECRETS_KEY.",
    ),
  PLAYBACK_SECONDS: seconds.default(14_400).describe("Life of a playback link."),
  SAVE_GRACE_SECONDS: count(0).default(10).describe("How long after the deadline a save in flight is still taken."),
  CACHE_TTL_SECONDS: seconds.default(7200).describe("How long a cached value lives when no write drops it first."),
  CACHE_MEMORY_MB: count().default(128).describe("Memory one server may use for cached values and answers, in MB."),
  BODY_LIMIT_KB: count()
    .default(8192)
    .describe("Largest request body, in KB; imports of questions and people are the largest."),
  LOAD_SHEDDING: flag
    .default(true)
    .describe("Whether reads, and then saves, are refused while there is more to do than can be done."),
  INTROSPECTION: flag.default(false).describe("Whether the schema may be asked for over the API."),
  SANDBOX: flag.default(false).describe("Whether / shows Apollo Sandbox; for development."),
  LOG_LEVEL: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal"])
    .default("info")
    .describe("Least severity that is logged."),
  LOG_PRETTY: flag.default(false).describe("Log for human readers instead of as JSON."),
  OTEL_EXPORTER_OTLP_ENDPOINT: url(/^https?$/)
    .optional()
    .describe("OpenTelemetry collector that traces are sent to, as JSON over HTTP; without it nothing is traced."),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe("Share of traces that is recorded, 0 to 1."),
  ALERT_WEBHOOK_URL: url(/^https?$/)
    .optional()
    .describe("Where the monitor posts alerts, e.g. an incoming webhook of Slack or Mattermost."),
  ALERT_WEBHOOK_SECRET: z
    .string()
    .optional()
    .describe("Signs the body of each alert posted, if the receiver checks it."),
  ALERT_MAIL_TO: z
    .string()
    .default("")
    .transform(listOf)
    .pipe(z.array(email))
    .describe("Comma-separated addresses the monitor mails alerts to; it then needs SMTP_URL and MAIL_FROM, too."),
  ALERT_RULES: alertOverrides
    .prefault("{}")
    .describe(
      'Other thresholds for alerts, as JSON: {"queueAge:exam": {"raise": 30, "clear": 10}, "jobsSlow": {"off": true}}.',
    ),
  ALERT_REPEAT_MINUTES: count().default(240).describe("How often an alert is said again while it lasts."),
  SHUTDOWN_SECONDS: seconds.default(20).describe("How long a process may take to finish its work after SIGTERM."),
});

export type Config = z.output<typeof configSchema>;

/** The folders that the system looks for programs in; no setting of ours. */
export const searchPath = (env: NodeJS.ProcessEnv = process.env): string => env.PATH ?? "/usr/local/bin:/usr/bin:/bin";

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
