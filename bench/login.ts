import { setTimeout as pause } from "node:timers/promises";
import { Client } from "undici";
import { hashSecret } from "../src/services/passwords.ts";
import { somePeople } from "../test/support/school.ts";
import { ownCpu } from "./cpuTime.ts";
import { drive, type LoadResult, postBytes } from "./load.ts";
import { interleave, quantile, type Sample, sample } from "./measure.ts";
import { type LoopDelay, withProfile } from "./profile.ts";
import type { Report } from "./report.ts";
import { LOGIN_MUTATION } from "./school.ts";
import { PASSWORD } from "./studentSteps.ts";
import type { Program, World } from "./world.ts";

const ROUNDS = 5;
const PEOPLE = 200;
/** Often enough to meet every stall, seldom enough to be no load. */
const PROBE_EVERY_MS = 20;

/**
 * Two hundred people who log in at the same moment, over connections of their own: from the first request to the last answer. The
 * limit is a bare server that checks a hash for each request, with as many at once. Meanwhile somebody else asks for the time.
 */
export async function login(world: World, report: Report): Promise<void> {
  const passwordHash = await hashSecret(PASSWORD);
  const people = await world.prepare(async (container) => {
    const made = await somePeople(container, PEOPLE);
    await container.db.user.updateMany({ data: { passwordHash } });
    return made;
  });
  const server = await world.startServer({ probed: true });
  const bare = await world.startBare("verify.mjs", { env: { HASH: passwordHash, PASSWORD } });
  const bodies = people.map(({ email }) =>
    JSON.stringify({ query: LOGIN_MUTATION, variables: { email, password: PASSWORD } }),
  );

  const storm = async ({ port }: Program, proof: string): Promise<LoadResult & { waits: number[] }> => {
    const waits: number[] = [];
    const begun = performance.now();
    const result = await drive({
      port,
      connections: PEOPLE,
      seconds: 0, // one request each
      next: (person) => postBytes(bodies[person]!),
      onAnswer: (_person, status, body) => {
        if (status !== 200 || !body.includes(proof)) throw new Error(`a log-in was answered ${status}: ${body}`);
        waits.push(performance.now() - begun);
      },
    });
    return { ...result, waits };
  };

  const storms: { waits: number[]; probes: number[]; delay: LoopDelay }[] = [];
  const bareRound = (): Promise<Sample> =>
    sample({ server: bare.cpu, driver: ownCpu }, () => storm(bare, '"matches":true'));
  const ourRound = (): Promise<Sample> =>
    sample({ server: server.cpu, postgres: world.postgresCpu, redis: world.redisCpu, driver: ownCpu }, async () => {
      const probing = probeWhile(server);
      await server.probe!.watchLoop();
      const result = await storm(server, '"accessToken":"');
      const delay = await server.probe!.loopDelay();
      storms.push({ waits: result.waits, probes: await probing.end(), delay });
      return result;
    });

  const measured = await interleave(ROUNDS, { bare: bareRound, login: ourRound });
  storms.shift(); // it was to warm up
  const probes = storms.flatMap((each) => each.probes);
  const worst = (of: keyof LoopDelay) => Math.max(...storms.map(({ delay }) => delay[of]));
  const inMs = (cpuMicros: Record<string, number>) =>
    Object.fromEntries(Object.entries(cpuMicros).map(([name, micros]) => [name, micros / 1000]));
  report({
    benchmark: "login",
    what: `${PEOPLE} log-ins at once`,
    value: measured.login.perSecond,
    unit: "log-ins/s",
    cpu: inMs(measured.login.cpuMicros),
    cpuUnit: "ms",
    limit: {
      what: "bare argon2id check for each request",
      value: measured.bare.perSecond,
      cpu: inMs(measured.bare.cpuMicros),
    },
    more: quantilesOf(
      storms.flatMap(({ waits }) => waits),
      [0.5, 0.95, 0.99],
    ),
  });
  report({
    benchmark: "login",
    what: "event loop of the server meanwhile, p99",
    value: worst("p99"),
    unit: "ms late",
    more: { p50: rounded(worst("p50")), max: rounded(worst("max")), of: `the worst of ${storms.length} storms` },
  });
  report({
    benchmark: "login",
    what: "{ serverTime } of somebody else meanwhile, p99",
    value: quantile(probes, 0.99),
    unit: "ms",
    more: { ...quantilesOf(probes, [0.5]), max: `${rounded(Math.max(...probes))} ms`, asked: probes.length },
  });
  await withProfile(server, "login", ourRound);
  for (const program of [server, bare]) await program.stop();
}

const rounded = (ms: number): number => Math.round(ms * 10) / 10;

const quantilesOf = (times: readonly number[], shares: readonly number[]): Record<string, string> =>
  Object.fromEntries(shares.map((share) => [`p${share * 100}`, `${rounded(quantile(times, share))} ms`]));

/** Asks a small question again and again until it is ended. @returns its times in milliseconds */
function probeWhile({ port }: Program): { end(): Promise<number[]> } {
  const http = new Client(`http://127.0.0.1:${port}`);
  const times: number[] = [];
  let isOver = false;
  const probing = (async () => {
    while (!isOver) {
      const begun = performance.now();
      const { body } = await http.request({
        path: "/graphql",
        method: "POST",
        headers: { "content-type": "application/json" },
        body: '{"query":"{ serverTime }"}',
      });
      const answer = await body.text();
      if (!answer.includes('"serverTime":"')) throw new Error(`the time was not told: ${answer}`);
      times.push(performance.now() - begun);
      await pause(PROBE_EVERY_MS);
    }
  })();
  return {
    async end() {
      isOver = true;
      await probing;
      await http.close();
      return times;
    },
  };
}
