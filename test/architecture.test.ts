import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "@jest/globals";

const root = path.resolve(import.meta.dirname, "..");
const PROGRAMS = ["server.ts", "worker.ts", "queueMonitor.ts"];
const FOLDERS = ["src", "prisma", "dev", "tools"];

interface Source {
  file: string;
  lines: string[];
}

/** Source without comments, line for line, so that prose about a thing is not taken for the thing. */
const withoutComments = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, " "))
    .replace(/(^|[^:"'`\\])\/\/.*$/gm, "$1");

const sources: Source[] = [
  ...PROGRAMS,
  ...FOLDERS.flatMap((folder) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|mjs)$/.test(name))
      .map((name) => path.posix.join(folder, name.split(path.sep).join("/"))),
  ),
]
  .filter((file) => !file.startsWith("src/generated/"))
  .map((file) => ({ file, lines: withoutComments(readFileSync(path.join(root, file), "utf8")).split("\n") }));

const IMPORT = /\b(?:from|import|require)\s*\(?\s*"([^"]+)"/g;

/** Where each import leads: a path from the root for our own files, else the package's name. */
function importsOf({ file, lines }: Source): { line: number; target: string }[] {
  return lines.flatMap((text, index) =>
    [...text.matchAll(IMPORT)].map(([, specifier]) => ({
      line: index + 1,
      target: specifier!.startsWith(".")
        ? path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier!))
        : specifier!.replace(/^(@[^/]+\/[^/]+|[^@/][^/]*).*$/, "$1"),
    })),
  );
}

const OURS = /^(src|prisma|dev|tools|test|bench)\/|^[\w-]+\.ts$/;

interface Rule {
  name: string;
  /** The files it is about. */
  of: (file: string) => boolean;
  /** What these may not import. */
  refuses: (target: string, file: string) => boolean;
}

const under =
  (...folders: string[]) =>
  (file: string) =>
    folders.some((folder) => file.startsWith(folder));
const isTransport = (target: string) =>
  /^(fastify|graphql|graphql-.*|bullmq)$|^@(apollo|fastify|as-integrations|graphql-tools)\//.test(target);

const importRules: Rule[] = [
  {
    name: "domain imports nothing of ours",
    of: under("src/domain/"),
    refuses: (target) => OURS.test(target) && !target.startsWith("src/domain/"),
  },
  {
    name: "domain does no I/O: its only packages are pure",
    of: under("src/domain/"),
    refuses: (target) =>
      !OURS.test(target) &&
      ![
        ...["zod", "decimal.js", "re2js", "lru-cache", "saxes", "csv-parse", "csv-stringify", "yauzl", "yazl"],
        "node:stream", // in memory, as the packages for zip files want and give them
        ...["sanitize-html", "mdast", "mdast-util-from-markdown", "mdast-util-math", "micromark-extension-math"],
      ].includes(target),
  },
  {
    name: "only the server imports apollo",
    of: (file) => !under("src/apollo/")(file) && file !== "server.ts" && !file.startsWith("tools/"),
    // The permissions are part of the API's layer: their rules are typed by the context that apollo gives them.
    refuses: (target, file) =>
      target.startsWith("src/apollo/") &&
      !(file === "src/middlewares/permissions.ts" && target === "src/apollo/context.ts"),
  },
  {
    name: "only what answers over HTTP imports middlewares",
    of: (file) => !under("src/apollo/", "src/middlewares/", "src/monitor/web/")(file),
    refuses: under("src/middlewares/"),
  },
  {
    name: "services know nothing of GraphQL, HTTP or BullMQ",
    of: under("src/services/"),
    refuses: (target) => isTransport(target) || under("src/workers/", "src/apollo/", "src/monitor/")(target),
  },
  {
    name: "redis and queues stand below the services",
    of: under("src/redis/", "src/queues/"),
    refuses: under("src/services/", "src/workers/", "src/container.ts"),
  },
  {
    name: "workers reach the database through services only",
    of: under("src/workers/"),
    refuses: under("prisma/", "src/generated/prisma/", "src/redis/"),
  },
  {
    name: "Prisma's rows and errors stop at the services",
    of: under("src/apollo/", "src/middlewares/", "src/monitor/web/"),
    refuses: (target) => under("prisma/", "src/generated/prisma/")(target) || target.startsWith("@prisma/"),
  },
  {
    name: "BullMQ is spoken by the queues, their workers and who watches them",
    of: (file) => !under("src/queues/", "src/workers/", "src/monitor/", "src/utils/jobStatus.ts")(file),
    refuses: (target) => target === "bullmq",
  },
  {
    name: "what Prometheus is told stands in metrics",
    of: (file) => !file.startsWith("src/metrics/"),
    refuses: (target) => target === "prom-client",
  },
  {
    name: "OpenTelemetry is known to tracing alone, which loads it where it is on",
    of: (file) => !file.startsWith("src/tracing/"),
    refuses: (target) =>
      target.startsWith("@opentelemetry/") || target === "bullmq-otel" || target === "src/tracing/openTelemetry.ts",
  },
];

interface Owner {
  name: string;
  pattern: RegExp;
  owners: (file: string) => boolean;
}

const ownerRules: Owner[] = [
  {
    name: "only config.ts reads the environment, and what is run as a program of its own",
    pattern: /\bprocess\.env\b/,
    // The monitor needs five of the variables and hands the environment to `readConfig` to say so.
    owners: under("src/config.ts", "prisma.config.ts", "prisma/migrate.ts", "dev/", "tools/", "queueMonitor.ts"),
  },
  {
    name: "only prisma/client.ts makes a Prisma client",
    pattern: /\bnew PrismaClient\b/,
    owners: under("prisma/client.ts"),
  },
  {
    name: "only the queues add jobs to BullMQ",
    pattern: /\b\w*[qQ]ueue\w*(\([^)]*\))?\.(add|addBulk|upsertJobScheduler)\(/,
    owners: under("src/queues/"),
  },
  {
    name: "only container.ts makes services",
    pattern: /(?<!function )\bcreate\w+Service\(/,
    // The monitor's commands run where only the databases are known.
    owners: under("src/container.ts", "src/monitor/acts/openOperations.ts"),
  },
  {
    name: "keys of the cache are built in cacheKeys.ts",
    // A video is dropped by its id: `videoAccess` builds the key.
    pattern: /(?<!\bvideoAccess)\.(getOrSetCache|peek|drop)\((?!CACHE_KEYS\.|$|\.\.\.|\)|key\b|drop\b)/,
    owners: under("src/redis/"),
  },
  {
    name: "only container.ts asks the clock of the machine",
    pattern: /\bnew Date\(\)|\bDate\.now\(\)/,
    // The monitor has no container: it is the composition root of its own two collaborators.
    owners: under("src/container.ts", "dev/", "tools/", "queueMonitor.ts"),
  },
  {
    name: "no file only passes on what others have",
    pattern: /^export (type )?(\*|\{[^}]*\}) (as \w+ )?from /,
    owners: () => false,
  },
];

const brokenImports = ({ of, refuses }: Rule, files: readonly Source[]): string[] =>
  files
    .filter(({ file }) => of(file))
    .flatMap((source) =>
      importsOf(source)
        .filter(({ target }) => refuses(target, source.file))
        .map(({ line, target }) => `${source.file}:${line} imports ${target}`),
    );

const trespasses = ({ pattern, owners }: Owner, files: readonly Source[]): string[] =>
  files
    .filter(({ file }) => !owners(file))
    .flatMap(({ file, lines }) =>
      lines.flatMap((text, index) => (pattern.test(text) ? [`${file}:${index + 1} ${text.trim()}`] : [])),
    );

describe("the code's architecture", () => {
  it.each(importRules)("keeps to it: $name", (rule) => {
    expect(sources.filter(({ file }) => rule.of(file)).length).toBeGreaterThan(0);
    expect(brokenImports(rule, sources)).toEqual([]);
  });

  it.each(ownerRules)("keeps to it: $name", (rule) => {
    expect(trespasses(rule, sources)).toEqual([]);
  });

  const offender = (file: string, line: string): Source[] => [
    { file, lines: withoutComments(`\n${line}`).split("\n") },
  ];

  it.each([
    ["src/domain/paper.ts", 'import { Reads } from "../services/actor.ts";', "src/services/actor.ts"],
    ["src/domain/paper.ts", 'import { readFileSync } from "node:fs";', "node:fs"],
    ["src/services/exam.service.ts", 'import type { Context } from "../apollo/context.ts";', "src/apollo/context.ts"],
    ["src/services/exam.service.ts", 'const { Queue } = await import("bullmq");', "bullmq"],
    [
      "src/apollo/errors.ts",
      'import { Prisma } from "../generated/prisma/client.ts";',
      "src/generated/prisma/client.ts",
    ],
    ["src/workers/exam.worker.ts", 'import { createDb } from "../../prisma/client.ts";', "prisma/client.ts"],
  ])("names the line when %s says %s", (file, line, target) => {
    const named = importRules.flatMap((rule) => brokenImports(rule, offender(file, line)));
    expect(named).toContain(`${file}:2 imports ${target}`);
  });

  it.each([
    ["src/services/exam.service.ts", 'const limit = process.env["LIMIT"];'],
    ["src/services/exam.service.ts", "const db = new PrismaClient({ adapter });"],
    ["src/services/exam.service.ts", 'await examQueue.add("gradeAttempt", {});'],
    ["src/workers/exam.worker.ts", "const exams = createExamService({ db });"],
    ["src/services/exam.service.ts", "cache.getOrSetCache(id, load);"],
    ["src/services/exam.service.ts", "const now = new Date();"],
    ["src/services/index.ts", 'export * from "./exam.service.ts";'],
  ])("names the line when %s says %s", (file, line) => {
    const named = ownerRules.flatMap((rule) => trespasses(rule, offender(file, line)));
    expect(named).toEqual([`${file}:2 ${line}`]);
  });

  it("takes no comment for code", () => {
    const named = ownerRules.flatMap((rule) => trespasses(rule, offender("src/services/a.ts", "// new Date()")));
    expect(named).toEqual([]);
  });
});
