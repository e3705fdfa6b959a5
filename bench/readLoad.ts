import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { cpuOfEndedChildren, ownCpu } from "./cpuTime.ts";
import { drive, type LoadResult, postBytes } from "./load.ts";
import { pinned } from "./world.ts";

/** A request that is sent again and again; with `varied`, a number that is never used twice stands where its `#` is. */
export interface ReadRequest {
  token: string;
  body: string;
  varied: boolean;
}

const CONNECTIONS = 32;
const wrk = ["/usr/bin/wrk", "/usr/local/bin/wrk", "/opt/homebrew/bin/wrk"].find(existsSync);
let numbersUsed = 1;

export const readDriver = wrk ? "wrk" : "own sockets";

/** CPU seconds of what drives the reads. */
export const readDriverCpu = (): number => (wrk ? cpuOfEndedChildren() : ownCpu());

/**
 * Reads for some seconds over 32 connections; `wrk` does it where there is one, because the answers are large and a driver
 * that is slower than the server measures itself.
 * @throws Error when an answer is not 200
 */
export async function readFor(
  seconds: number,
  port: number,
  request: ReadRequest,
  folder: string,
): Promise<LoadResult> {
  const first = numbersUsed;
  numbersUsed += 10_000_000;
  return wrk ? withWrk(wrk, { seconds, port, request, folder, first }) : withSockets({ seconds, port, request, first });
}

async function withWrk(
  program: string,
  {
    seconds,
    port,
    request,
    folder,
    first,
  }: { seconds: number; port: number; request: ReadRequest; folder: string; first: number },
): Promise<LoadResult> {
  const [before, after] = request.body.split("#");
  const script = path.join(folder, "request.lua");
  writeFileSync(
    script,
    `wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
wrk.headers["authorization"] = "Bearer ${request.token}"
local n = ${first}
${
  request.varied
    ? `request = function() n = n + 1; return wrk.format(nil, nil, nil, [==[${before}]==] .. n .. [==[${after}]==]) end`
    : `wrk.body = [==[${request.body}]==]`
}
done = function(summary)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write
  io.write(string.format('\\n{"done":%d,"seconds":%f,"broken":%d,"refused":%d,"late":%d}\\n',
    summary.requests, summary.duration / 1e6, broken, errors.status, errors.timeout))
end
`,
  );
  const { command, args } = pinned("driver", program, [
    ...["-t1", `-c${CONNECTIONS}`, `-d${seconds}s`, "--timeout", "10s", "-s", script],
    `http://127.0.0.1:${port}/graphql`,
  ]);
  const { stdout } = await promisify(execFile)(command, args, { timeout: (seconds + 30) * 1000 });
  const result = JSON.parse(stdout.trim().split("\n").at(-1)!) as LoadResult & {
    broken: number;
    refused: number;
    late: number;
  };
  if (result.done === 0 || result.broken + result.refused + result.late > 0)
    throw new Error(`not every read was answered with 200: ${JSON.stringify(result)}`);
  return result;
}

function withSockets({
  seconds,
  port,
  request,
  first,
}: {
  seconds: number;
  port: number;
  request: ReadRequest;
  first: number;
}): Promise<LoadResult> {
  const same = postBytes(request.body, request.token);
  let n = first;
  return drive({
    port,
    connections: CONNECTIONS,
    seconds,
    next: () => (request.varied ? postBytes(request.body.replace("#", String(++n)), request.token) : same),
    onAnswer: (_connection, status) => {
      if (status !== 200) throw new Error(`a read was answered with ${status}`);
    },
  });
}
