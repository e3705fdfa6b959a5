import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import os from "node:os";
import path from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import getPort from "get-port";
import { type OwnProcess, startProcess } from "../../dev/ownProcess.ts";
import { eventually } from "../support/eventually.ts";
import { openSite, type Program, type Site } from "../support/processes.ts";
import { type SaveOutcome, savingStudent, textQuestion, wrongAnswers } from "../support/savingStudent.ts";
import { anExam, aSchool } from "../support/school.ts";
import { describeWith } from "./whereIs.ts";

jest.setTimeout(300_000);
const WITHIN_MS = 60_000;
const CONFIG = path.resolve(import.meta.dirname, "../../deploy/haproxy/haproxy.cfg");
type Place = "one" | "two";

/** HAProxy with the configuration that the run-book names, and what an operator asks of it. */
async function startProxy(program: string, folder: string, servers: Record<Place, Program>) {
  const socket = path.join(folder, "admin.sock");
  const port = await getPort();
  const running = await startProcess({
    command: program,
    args: ["-db", "-f", CONFIG],
    env: {
      LISTEN: `127.0.0.1:${port}`,
      SERVER_ONE: new URL(servers.one.url).host,
      SERVER_TWO: new URL(servers.two.url).host,
      ADMIN_SOCKET: socket,
    },
    stopSignal: "SIGTERM",
    recordFile: path.join(folder, "haproxy.json"),
    logFile: path.join(folder, "haproxy.log"),
  });

  async function say(command: string): Promise<string> {
    const connection = connect(socket);
    await once(connection, "connect");
    connection.write(`${command}\n`);
    return text(connection);
  }
  async function figures(place: Place): Promise<{ status: string; sessions: number; requests: number }> {
    const [head, ...rows] = (await say("show stat servers 4 -1")).replace(/^# /, "").trim().split("\n");
    const column = (name: string) => head!.split(",").indexOf(name);
    const row = rows.map((line) => line.split(",")).find((cells) => cells[column("svname")] === place)!;
    return {
      status: row[column("status")]!,
      sessions: Number(row[column("scur")]),
      requests: Number(row[column("stot")]),
    };
  }
  return { running, url: `http://127.0.0.1:${port}`, say, figures };
}

describeWith("haproxy", "apt-get install haproxy", "replacing the servers while students save", (haproxy) => {
  let site: Site;
  let folder: string;
  let proxy: OwnProcess | undefined;
  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), "lectern-proxy-"));
    site = await openSite();
  });
  afterAll(async () => {
    await proxy?.stop();
    await site.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it("fails no request and loses nothing, also on a database that the next version has migrated", async () => {
    const { container } = site;
    const school = await aSchool(container, { students: 20 });
    const { examId, questionIds } = await anExam(container, school, { questions: [1, 2, 3].map(textQuestion) });
    const students = await Promise.all(
      school.students.map(async ({ actor, token }) => {
        const { id } = await container.services.attempts.start(actor, examId);
        return savingStudent({ attemptId: id, questionIds, token });
      }),
    );
    const [one, two] = await Promise.all([site.start("server"), site.start("server")]);
    const servers = { one, two };
    const { running, url, say, figures } = await startProxy(haproxy, folder, servers);
    proxy = running;
    const isUp = (place: Place) => figures(place).then(({ status }) => status.startsWith("UP"));
    const isListening = () => {
      if (!running.isRunning) throw new Error(readFileSync(path.join(folder, "haproxy.log"), "utf8"));
      return figures("one").catch(() => undefined); // refused until it listens
    };
    await eventually("the proxy listens", isListening, WITHIN_MS);
    for (const place of ["one", "two"] as const) await eventually(`${place} is up`, () => isUp(place), WITHIN_MS);

    let saves = 0;
    let isOver = false;
    const failures: SaveOutcome[] = [];
    const saving = students.map(async (student) => {
      while (!isOver) {
        const outcome = await student.save(url);
        if (outcome.kind === "acknowledged") saves += 1;
        else failures.push(outcome);
        await pause(20); // a load, but one that leaves the machine something for the servers' start
      }
    });
    const moreSaves = async (where: string) => {
      const before = saves;
      await eventually(`students save ${where}`, () => saves > before + 100, WITHIN_MS);
    };

    try {
      await moreSaves("before anything happens");
      // What the next version's migrations do first: add, and note it.
      await container.db.$executeRaw`ALTER TABLE attempts ADD COLUMN of_tomorrow text`;
      await container.db.$executeRaw`
        INSERT INTO _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
        VALUES ('tomorrow', '', '99991231000000_of_tomorrow', now(), now(), 1)`;

      for (const place of ["one", "two"] as const) {
        await say(`set server servers/${place} state drain`);
        await eventually(`${place} has nothing to do`, async () => (await figures(place)).sessions === 0, WITHIN_MS);
        expect(await servers[place].terminate()).toBe("exit code 0");
        await moreSaves(`while ${place} is away`);
        servers[place] = await site.start("server", servers[place]);
        const { requests } = await figures(place);
        await say(`set server servers/${place} state ready`);
        await eventually(`${place} is up again`, () => isUp(place), WITHIN_MS);
        await eventually(`${place} has work again`, async () => (await figures(place)).requests > requests, WITHIN_MS);
      }
    } finally {
      isOver = true;
      await Promise.all(saving);
    }
    expect(failures).toEqual([]);
    expect(await wrongAnswers(container, students)).toEqual([]);
  });
});
