import { ConfigError } from "./src/config.ts";
import { readCommandLine, usage } from "./src/monitor/commandLine.ts";
import { UsageError } from "./src/monitor/mode.ts";
import { check, unknownExitCode, unknownLine } from "./src/monitor/modes/check.ts";

const wrongUsage = 64;
const argv = process.argv.slice(2);

async function main(): Promise<number | undefined> {
  const wish = readCommandLine(argv, { isTerminal: process.stdout.isTTY && process.stdin.isTTY });
  if (wish !== "help") return wish.mode.run({ ...wish, env: process.env, clock: () => new Date() });
  process.stdout.write(usage);
  return 0;
}

function failed(error: Error): number {
  if (argv.includes(check.name)) {
    process.stdout.write(`${unknownLine(error.message)}\n`);
    return unknownExitCode;
  }
  const isSaidInWords = error instanceof UsageError || error instanceof ConfigError;
  process.stderr.write(`${isSaidInWords ? error.message : error.stack}\n`);
  if (error instanceof UsageError) process.stderr.write(`\n${usage}`);
  return isSaidInWords ? wrongUsage : 1;
}

const exitCode = await main().catch(failed);
if (exitCode !== undefined) process.exitCode = exitCode;
