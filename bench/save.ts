import pg from "pg";
import { ownCpu } from "./cpuTime.ts";
import { drive, postBytes } from "./load.ts";
import { interleave, sample } from "./measure.ts";
import { withProfile } from "./profile.ts";
import type { Report } from "./report.ts";
import { aBenchSchool, SAVE_MUTATION } from "./school.ts";
import type { World } from "./world.ts";

const ROUNDS = 5;
const SECONDS = 2;
const CONNECTIONS = [32, 128];

interface Place {
  attemptId: string;
  token: string;
  questionIds: string[];
  versionIds: string[];
  /** Revision of each answer that was acknowledged last. */
  acknowledged: number[];
  /** Which answer is under way; the questions take turns. */
  turn: number;
}

/**
 * Durable saves of one answer by many students, each with an attempt of their own. The limit is a bare server that does one prepared
 * upsert per request on a pool, into the same table. In the end the last acknowledged revision of every answer must be in the database.
 */
export async function save(world: World, report: Report): Promise<void> {
  const most = Math.max(...CONNECTIONS);
  const places = await world.prepare(async (container) => {
    const { students, exam } = await aBenchSchool(container, { students: 2 * most });
    const made: Place[] = [];
    for (const { actor, token } of students) {
      const { id: attemptId } = await container.services.attempts.start(actor, exam.examId);
      const { paper } = await container.db.attempt.findUniqueOrThrow({ where: { id: attemptId } });
      const items = paper as unknown as { questionId: string; versionId: string }[];
      made.push({
        attemptId,
        token,
        questionIds: items.map(({ questionId }) => questionId),
        versionIds: items.map(({ versionId }) => versionId),
        acknowledged: items.map(() => 0),
        turn: 0,
      });
    }
    return made;
  });
  // One half for each of the two, so that both write to one table and neither touches the other's rows.
  const [ours, theirs] = [places.slice(0, most), places.slice(most)];
  const server = await world.startServer({ core: "server" });
  const bare = await world.startBare("upsert.mjs", { core: "server" });

  for (const connections of CONNECTIONS) {
    const measured = await interleave(ROUNDS, {
      bare: () =>
        sample({ server: bare.cpu, postgres: world.postgresCpu, driver: ownCpu }, () =>
          bareSaves(bare.port, connections, theirs),
        ),
      ours: () =>
        sample({ server: server.cpu, postgres: world.postgresCpu, redis: world.redisCpu, driver: ownCpu }, () =>
          saves(server.port, connections, ours),
        ),
    });
    report({
      benchmark: "save",
      what: `one answer, ${connections} connections`,
      value: measured.ours.perSecond,
      unit: "saves/s",
      cpu: measured.ours.cpuMicros,
      cpuUnit: "µs",
      limit: { what: "bare prepared upsert", value: measured.bare.perSecond, cpu: measured.bare.cpuMicros },
    });
  }
  await withProfile(server, "save", () => saves(server.port, most, ours));
  await verify(world.databaseUrl, places);
  for (const program of [server, bare]) await program.stop();
}

const CHOICES = ["a", "b", "c", "d"];
const choice = (revision: number) => CHOICES[revision % CHOICES.length]!;

/** Moves on to the attempt's next answer and tells which it is and its next revision. */
function nextAnswer(place: Place): { at: number; revision: number } {
  place.turn = (place.turn + 1) % place.questionIds.length;
  return { at: place.turn, revision: place.acknowledged[place.turn]! + 1 };
}

const saves = (port: number, connections: number, places: readonly Place[]) =>
  drive({
    port,
    connections,
    seconds: SECONDS,
    next(connection) {
      const place = places[connection]!;
      const { at, revision } = nextAnswer(place);
      const answers = [{ questionId: place.questionIds[at], response: { choice: choice(revision) }, revision }];
      return postBytes(
        JSON.stringify({ query: SAVE_MUTATION, variables: { attemptId: place.attemptId, answers } }),
        place.token,
      );
    },
    onAnswer(connection, status, body) {
      if (status !== 200 || !body.includes('"outcome":"SAVED"')) throw new Error(`a save failed: ${status} ${body}`);
      const place = places[connection]!;
      place.acknowledged[place.turn]! += 1;
    },
  });

const bareSaves = (port: number, connections: number, places: readonly Place[]) =>
  drive({
    port,
    connections,
    seconds: SECONDS,
    next(connection) {
      const place = places[connection]!;
      const { at, revision } = nextAnswer(place);
      return postBytes(
        JSON.stringify({
          attemptId: place.attemptId,
          versionId: place.versionIds[at],
          answer: { choice: choice(revision) },
          revision,
        }),
        place.token,
      );
    },
    onAnswer(connection, status, body) {
      if (status !== 200 || !body.includes('"saved":true')) throw new Error(`a bare save failed: ${status} ${body}`);
      const place = places[connection]!;
      place.acknowledged[place.turn]! += 1;
    },
  });

async function verify(databaseUrl: string, places: readonly Place[]): Promise<void> {
  const client = new pg.Client(databaseUrl);
  await client.connect();
  try {
    const { rows } = await client.query<{ key: string; revision: number; choice: string }>(
      `SELECT attempt_id || ':' || question_version_id AS key, revision, response ->> 'choice' AS choice FROM answers`,
    );
    const stored = new Map(rows.map(({ key, ...answer }) => [key, answer]));
    for (const { attemptId, versionIds, acknowledged } of places)
      for (const [at, revision] of acknowledged.entries()) {
        const answer = stored.get(`${attemptId}:${versionIds[at]}`);
        const isRight = revision === 0 ? !answer : answer?.revision === revision && answer.choice === choice(revision);
        if (!isRight)
          throw new Error(`revision ${revision} of an answer was acknowledged; stored is ${JSON.stringify(answer)}`);
      }
  } finally {
    await client.end();
  }
}
