import os from "node:os";
import { parseArgs, types } from "node:util";
import { ConfigError, readConfig } from "../../config.ts";
import { DomainError } from "../../domain/errors.ts";
import { QueuesUnavailable } from "../../queues/openQueues.ts";
import type { OperationsService, Operator } from "../../services/operations.service.ts";
import { isOutage } from "../../services/outage.ts";
import { type Call, UsageError } from "../mode.ts";
import { type Command, commands, type Given } from "./commands.ts";
import { openOperations } from "./openOperations.ts";
import { outcomeLines } from "./print.ts";

/** For scripts: 0 is done (or a dry run), 1 refused or failed, 2 Redis or PostgreSQL is away, 64 wrongly used. */
const exitCodes = { refused: 1, away: 2, wrongUsage: 64 } as const;

const usage = `Acts on queues and jobs.

${Object.entries(commands)
  .map(([name, { usage, says }]) => `  ${`${name} ${usage}`.trimEnd()}\n      ${says}\n`)
  .join("")}
  --yes        do it; without it nothing is changed and the command says what it would do
  --as EMAIL   the administrator who does it, for the audit log (else the user of this machine)
  --json       print one JSON document

Times are like 2027-01-31T09:00:00Z. The exit code is 0 when all went well, 1 when it was refused or failed,
2 when Redis or PostgreSQL is away, 64 when it was wrongly used.
`;

interface Wish {
  command: Command;
  given: Given;
  isMeant: boolean;
  isJson: boolean;
  as?: string;
}

/** Runs one command of an operator, whose first two words name it, and returns the exit code. */
export async function runActs(
  args: readonly string[],
  { env, clock }: Pick<Call, "env" | "clock">,
  { out, error }: { out: (text: string) => void; error: (text: string) => void },
): Promise<number> {
  try {
    if (args.includes("--help")) {
      out(usage);
      return 0;
    }
    const wish = read(args);
    const config = readConfig(env, ["DATABASE_URL", "REDIS_URL", "REDIS_PREFIX"]);
    const { operations, close } = await openOperations(config, clock);
    try {
      const { answer, lines } = await run(operations, wish);
      out(wish.isJson ? `${JSON.stringify(answer, null, 2)}\n` : `${lines.join("\n")}\n`);
    } finally {
      await close();
    }
    return 0;
  } catch (problem) {
    const { text, code } = told(problem);
    error(`${text}\n`);
    return code;
  }
}

function read(args: readonly string[]): Wish {
  const name = args.slice(0, 2).join(" ");
  const command = Object.hasOwn(commands, name) ? commands[name]! : undefined;
  if (!command) throw new UsageError(`There is no command "${name}".\n\n${usage}`);
  const { options = [], words = [], takesIds = false } = command;
  const ofEvery = { yes: { type: "boolean" }, as: { type: "string" }, json: { type: "boolean" } } as const;
  const own = Object.fromEntries(options.map((option) => [option, { type: "string" as const }]));
  const { values, positionals } = parseArgs({
    args: args.slice(2),
    options: { ...own, ...ofEvery },
    allowPositionals: true,
  });
  const rest = positionals.slice(words.length);
  if (positionals.length < words.length || (rest.length > 0 && !takesIds))
    throw new UsageError(`This is written: ${name} ${command.usage}`);
  const { yes = false, as, json = false, ...chosen } = values;
  const named = Object.fromEntries(words.map((word, at) => [word, positionals[at]]));
  return { command, given: { options: { ...chosen, ...named }, ids: rest }, isMeant: yes, isJson: json, as };
}

async function run(operations: OperationsService, { command, given, isMeant, as }: Wish) {
  const via = `cli:${machineUser()}`;
  const by: Operator = as ? await operations.operatorNamed(as, via) : { userId: null, role: "ADMIN", via };
  if ("read" in command) return command.read(operations, by, given);
  const answer = await operations.act(by, command.act, command.input(given), { dryRun: !isMeant });
  return { answer, lines: outcomeLines(answer) };
}

/** In a container, a user may have a number and no name. */
function machineUser(): string {
  try {
    return os.userInfo().username;
  } catch {
    return String(process.getuid?.() ?? "unknown");
  }
}

function told(problem: unknown): { text: string; code: number } {
  if (!types.isNativeError(problem)) throw problem;
  const isWrong =
    problem instanceof UsageError ||
    problem instanceof ConfigError ||
    String((problem as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS") ||
    (problem instanceof DomainError && problem.code === "BAD_USER_INPUT");
  if (isWrong) return { text: problem.message, code: exitCodes.wrongUsage };
  if (problem instanceof QueuesUnavailable) return { text: `Redis is away: ${problem.message}`, code: exitCodes.away };
  if (isOutage(problem)) return { text: `PostgreSQL is away: ${problem.message}`, code: exitCodes.away };
  if (problem instanceof DomainError) return { text: problem.message, code: exitCodes.refused };
  return { text: problem.stack ?? problem.message, code: exitCodes.refused };
}
