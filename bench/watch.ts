import { once } from "node:events";
import pg from "pg";
import { aLesson, aSection, aVideo } from "../test/support/course.ts";
import { aSchool } from "../test/support/school.ts";
import { ownCpu } from "./cpuTime.ts";
import { drive, postBytes } from "./load.ts";
import { interleave, sample } from "./measure.ts";
import { withProfile } from "./profile.ts";
import { commandBytes, driveRedis } from "./redisLoad.ts";
import type { Report } from "./report.ts";
import type { World } from "./world.ts";

const ROUNDS = 5;
const SECONDS = 2;
const CONNECTIONS = [32, 128];
const VIEWERS = 1_024;
/** Of one event. Short, because a viewer comes round many times a second and the clock allows no more. */
const INTERVAL_MS = 20;
const VIDEO_MS = 3_600_000;

const MUTATION = `mutation ($videoId: ID!, $intervals: [SecondsRangeInput!]!, $position: Float!) {
  recordWatchProgress(videoId: $videoId, intervals: $intervals, position: $position) { position seenSeconds percent completedAt }
}`;

interface Viewer {
  id: string;
  token: string;
  /** Events that were acknowledged; each continues where the last ended. */
  acknowledged: number;
}

/**
 * Watch progress of a thousand viewers who take turns on the connections. The limit is bare Redis: the same connections append the same
 * payload to lists, without a server between. In the end every second that was acknowledged must be in PostgreSQL after one flush.
 */
export async function watch(world: World, report: Report): Promise<void> {
  const { videoId, viewers } = await world.prepare(async (container) => {
    const school = await aSchool(container, { students: VIEWERS });
    const id = await aVideo(container, school, { status: "READY", durationMs: VIDEO_MS });
    await aLesson(container, school, await aSection(container, school), { videoId: id });
    return { videoId: id, viewers: school.students.map(({ id, token }): Viewer => ({ id, token, acknowledged: 0 })) };
  });
  const server = await world.startServer({ core: "server" });
  const bareServer = await world.startBare("push.mjs", { core: "server" });
  const payload = (number: number) => {
    const [from, to] = [secondsAt(number), secondsAt(number + 1)];
    return { videoId, intervals: [{ from, to }], position: to };
  };

  const events = (connections: number) => {
    const turn = turns(connections);
    return drive({
      port: server.port,
      connections,
      seconds: SECONDS,
      next(connection) {
        const { token, acknowledged } = viewers[turn.next(connection)]!;
        return postBytes(JSON.stringify({ query: MUTATION, variables: payload(acknowledged) }), token);
      },
      onAnswer(connection, status, body) {
        const viewer = viewers[turn.now(connection)]!;
        viewer.acknowledged += 1;
        const expected = `"seenSeconds":${secondsAt(viewer.acknowledged)},`;
        if (status !== 200 || !body.includes(expected)) throw new Error(`an event failed: ${status} ${body}`);
      },
    });
  };
  const bareRedis = (connections: number) => {
    const turn = turns(connections);
    return driveRedis({
      url: world.redisUrl,
      connections,
      seconds: SECONDS,
      next(connection) {
        const viewer = turn.next(connection);
        return commandBytes("RPUSH", `bare:${viewer}`, JSON.stringify(payload(viewers[viewer]!.acknowledged)));
      },
    });
  };
  const bareEvents = (connections: number) => {
    const turn = turns(connections);
    return drive({
      port: bareServer.port,
      connections,
      seconds: SECONDS,
      next(connection) {
        const viewer = turn.next(connection);
        const { token, acknowledged } = viewers[viewer]!;
        return postBytes(JSON.stringify({ query: MUTATION, variables: { viewer, ...payload(acknowledged) } }), token);
      },
      onAnswer(_connection, status, body) {
        if (status !== 200) throw new Error(`a bare event failed: ${status} ${body}`);
      },
    });
  };

  // The first event of each viewer verifies a token and reads their enrolment: that is not what is measured.
  while (viewers.some(({ acknowledged }) => acknowledged === 0)) await events(Math.max(...CONNECTIONS));

  for (const connections of CONNECTIONS) {
    const measured = await interleave(ROUNDS, {
      bare: () => sample({ redis: world.redisCpu, driver: ownCpu }, () => bareRedis(connections)),
      bareServer: () => sample({ server: bareServer.cpu, redis: world.redisCpu }, () => bareEvents(connections)),
      ours: () =>
        sample({ server: server.cpu, redis: world.redisCpu, postgres: world.postgresCpu, driver: ownCpu }, () =>
          events(connections),
        ),
    });
    report({
      benchmark: "watch",
      what: `one interval, ${connections} connections`,
      value: measured.ours.perSecond,
      unit: "events/s",
      cpu: measured.ours.cpuMicros,
      cpuUnit: "µs",
      limit: { what: "bare Redis RPUSH", value: measured.bare.perSecond, cpu: measured.bare.cpuMicros },
      more: { "bare node:http and RPUSH, events/s": Math.round(measured.bareServer.perSecond) },
    });
  }
  await withProfile(server, "watch", () => events(Math.max(...CONNECTIONS)));

  const flush = await world.prepare(async ({ services, queueRedis }) => {
    if (queueRedis.status !== "ready") await once(queueRedis, "ready");
    const begun = performance.now();
    const done = await services.watchFlush.flush();
    return { done, seconds: (performance.now() - begun) / 1000 };
  });
  report({
    benchmark: "watch",
    what: "flush, viewers in batches of 500",
    value: flush.done / flush.seconds,
    unit: "viewers/s",
  });
  await verify(world.databaseUrl, viewers);
  for (const program of [server, bareServer]) await program.stop();
}

const secondsAt = (number: number): number => (number * INTERVAL_MS) / 1_000;

/** Which viewer's turn it is on each connection; no viewer is on two. */
function turns(connections: number) {
  const at = Array.from({ length: connections }, () => -1);
  const now = (connection: number) => (connection + at[connection]! * connections) % VIEWERS;
  return {
    now,
    next(connection: number) {
      at[connection]! += 1;
      return now(connection);
    },
  };
}

async function verify(databaseUrl: string, viewers: readonly Viewer[]): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const { rows } = await client.query<{ user_id: string; seen_ms: number }>(
      "SELECT user_id, seen_ms FROM watch_progress",
    );
    const stored = new Map(rows.map(({ user_id, seen_ms }) => [user_id, seen_ms]));
    for (const { id, acknowledged } of viewers)
      if ((stored.get(id) ?? 0) !== acknowledged * INTERVAL_MS)
        throw new Error(`${acknowledged} events of a viewer were acknowledged; stored are ${stored.get(id)} ms`);
  } finally {
    await client.end();
  }
}
