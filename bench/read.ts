import { writeFileSync } from "node:fs";
import path from "node:path";
import { interleave, type Sample, sample } from "./measure.ts";
import { withProfile } from "./profile.ts";
import { type ReadRequest, readDriver, readDriverCpu, readFor } from "./readLoad.ts";
import type { Report } from "./report.ts";
import { aBenchSchool, EXAM_QUERY, PAPER_QUERY, RELOAD_QUERY } from "./school.ts";
import type { Program, World } from "./world.ts";

const ROUNDS = 5;
const SECONDS = 2;

/** Bytes that differ from request to request although they ask the same: the operation's text and variables stay. */
const varied = (query: string, id: string) =>
  `${JSON.stringify({ query, variables: { id } }).slice(0, -1)},"extensions":{"n":#}}`;

/**
 * Reads of an exam of 50 questions × 4 options, by its teacher: answered by the edge cache; missing it, with the service cache warm,
 * and therefore stored each time; the same in a form that is never stored; and a student's paper,
 * alone and with what was saved. The limit is a bare server that
 * reads the body and replays the same bytes.
 */
export async function read(world: World, report: Report): Promise<void> {
  const { exam, teacher, students, attemptId } = await world.prepare(async (container) => {
    const school = await aBenchSchool(container, { students: 1 });
    const attempt = await container.services.attempts.start(school.students[0]!.actor, school.exam.examId);
    return { ...school, attemptId: attempt.id };
  });
  const server = await world.startServer({ core: "server" });
  const student = students[0]!;
  const notStored = `${EXAM_QUERY.replace("sections {", "... { sections {")} }`;

  const same = (query: string, id: string) => JSON.stringify({ query, variables: { id } });
  const requests = {
    hit: { token: teacher.token, varied: false, body: same(EXAM_QUERY, exam.examId) },
    miss: { token: teacher.token, varied: true, body: varied(EXAM_QUERY, exam.examId) },
    notStored: { token: teacher.token, varied: true, body: varied(notStored, exam.examId) },
    paper: { token: student.token, varied: false, body: same(PAPER_QUERY, attemptId) },
    reload: { token: student.token, varied: false, body: same(RELOAD_QUERY, attemptId) },
  } satisfies Record<string, ReadRequest>;

  const answer = await ask(server, requests.hit);
  const paper = await ask(server, requests.paper);
  const bare = await replay(world, "exam.json", answer.body);
  const barePaper = await replay(world, "paper.json", paper.body);
  for (const request of [requests.miss, requests.notStored, requests.paper, requests.reload])
    await expectCache(server, request, "miss");

  const run = (program: Program, request: ReadRequest) => () =>
    sample({ server: program.cpu, postgres: world.postgresCpu, redis: world.redisCpu, driver: readDriverCpu }, () =>
      readFor(SECONDS, program.port, request, world.folder),
    );
  const measured = await interleave(ROUNDS, {
    bare: run(bare, requests.hit),
    hit: async () => {
      await ask(server, requests.hit); // the misses in between have pushed it out
      await expectCache(server, requests.hit, "hit");
      return run(server, requests.hit)();
    },
    miss: run(server, requests.miss),
    notStored: run(server, requests.notStored),
    barePaper: run(barePaper, requests.paper),
    paper: run(server, requests.paper),
    reload: run(server, requests.reload),
  });

  const write = (what: string, ours: Sample, limit: Sample, bytes: number) =>
    report({
      benchmark: "read",
      what,
      value: ours.perSecond,
      unit: "requests/s",
      cpu: ours.cpuMicros,
      cpuUnit: "µs",
      limit: { what: "bare node:http replay", value: limit.perSecond, cpu: limit.cpuMicros },
      more: { bytes, driver: readDriver },
    });
  write("edge cache hit", measured.hit, measured.bare, answer.body.length);
  write("edge miss, service cache warm", measured.miss, measured.bare, answer.body.length);
  write("the same, never stored (fragment)", measured.notStored, measured.bare, answer.body.length);
  write("a student's paper", measured.paper, measured.barePaper, paper.body.length);
  write("the same with the saved answers", measured.reload, measured.barePaper, paper.body.length);
  for (const [name, request] of Object.entries(requests))
    await withProfile(server, `read-${name}`, run(server, request));
  for (const program of [server, bare, barePaper]) await program.stop();
}

async function replay(world: World, file: string, body: Buffer): Promise<Program> {
  const place = path.join(world.folder, file);
  writeFileSync(place, body);
  return world.startBare("replay.mjs", { core: "server", env: { REPLAY_FILE: place } });
}

let asked = 1;

async function ask({ port }: Program, { token, body }: ReadRequest) {
  asked += 1;
  const response = await fetch(`http://127.0.0.1:${port}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: body.replace("#", String(-asked)),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200 || bytes.includes('"errors"')) throw new Error(`a read failed: ${bytes}`);
  return { body: bytes, cache: response.headers.get("x-lectern-cache") };
}

/** A figure for a hit that was none would be worse than no figure. */
async function expectCache(server: Program, request: ReadRequest, expected: "hit" | "miss"): Promise<void> {
  const { cache } = await ask(server, request);
  if (cache !== expected) throw new Error(`a read that was to be a cache ${expected} was a ${cache}`);
}
