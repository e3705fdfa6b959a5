import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it, jest } from "@jest/globals";
import getPort from "get-port";
import { type OwnProcess, startProcess } from "../../dev/ownProcess.ts";
import { eventually } from "../support/eventually.ts";
import { testEnvironment } from "../support/testApp.ts";
import { createTestDatabase, type TestDatabase, testRedis } from "../support/testDatabase.ts";
import { makeBaseImage } from "./baseImage.ts";
import { describeWith, whereIs } from "./whereIs.ts";

/** A whole build: minutes on a quiet machine, and others may use it too. */
const BUILD_MS = 120 * 60_000;
jest.setTimeout(BUILD_MS);
const ROOT = path.resolve(import.meta.dirname, "../..");
const PORTS = { "server.js": "PORT", "worker.js": "WORKER_PORT" };

describeWith("buildah", "apt-get install buildah crun netavark debootstrap", "the image", (program) => {
  const folder = mkdtempSync(path.join(os.tmpdir(), "lectern-image-"));
  // A store of its own, which goes with the folder.
  const store = [`--root=${folder}/storage`, `--runroot=${folder}/run`, "--storage-driver=vfs"];
  const buildah = (command: string, ...args: string[]) =>
    execFileSync(program, [...store, command, ...args], {
      encoding: "utf8",
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
      maxBuffer: 2 ** 28,
    });
  const running: OwnProcess[] = [];
  let database: TestDatabase;
  let container: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    const base = /^FROM (\S+)/m.exec(readFileSync(path.join(ROOT, "Dockerfile"), "utf8"))![1]!;
    try {
      buildah("pull", "--quiet", base);
    } catch (noRegistry) {
      if (!whereIs("debootstrap")) throw noRegistry;
      makeBaseImage({ folder, buildah, name: `docker.io/library/${base}` });
    }
    // Docker's own format: the other one has no place for HEALTHCHECK.
    const options = ["--isolation=chroot", "--network=host", "--pull-never", "--format=docker"];
    buildah("bud", ...options, "--tag=lectern", ".");
    container = buildah("from", "--pull-never", "lectern").trim();
  }, BUILD_MS);
  afterAll(async () => {
    for (const each of running) {
      if (each.isRunning) process.kill(-each.pid, "SIGTERM"); // buildah itself passes nothing on
      await each.stop();
    }
    await database.drop();
    // Nothing of the machine's own may be deleted through a mount that was left behind.
    if (readFileSync("/proc/mounts", "utf8").includes(folder))
      throw new Error(`something is still mounted in ${folder}`);
    rmSync(folder, { recursive: true, force: true });
  }, BUILD_MS);

  const inside = ["run", "--isolation=chroot", "--network=host"];
  const run = (...command: string[]) => buildah(inside[0]!, ...inside.slice(1), container, "--", ...command).trim();

  it("keeps its health check, its ports and its user", () => {
    const { Docker } = JSON.parse(buildah("inspect", "lectern"));
    expect(Docker.config.Healthcheck.Test.join(" ")).toContain("/healthz");
    expect(Object.keys(Docker.config.ExposedPorts)).toEqual(["4000/tcp", "4001/tcp", "4002/tcp"]);
    expect(Docker.config.Cmd).toEqual(["node", "dist/server.js"]);
    expect(run("id", "-un")).toBe("node");
  });

  it("holds what the programs need, and nothing that only their making needs", () => {
    expect(run("ffmpeg", "-version")).toMatch(/^ffmpeg version/);
    expect(run("node", "dist/queueMonitor.js", "--help")).toContain("--once");
    expect(run("ls")).not.toMatch(/src|test/);
    expect(run("ls", "node_modules")).not.toMatch(/^(jest|typescript|prisma)$/m);
  });

  it.each(Object.entries(PORTS))("runs %s, which becomes ready", async (file, variable) => {
    const port = String(await getPort());
    const environment = { ...testEnvironment(database.url, testRedis()), [variable]: port, STORAGE_DIR: "/files" };
    const env = Object.entries(environment).map(([name, value]) => `--env=${name}=${value}`);
    const started = await startProcess({
      command: program,
      args: [...store, ...inside, ...env, container, "--", "node", `dist/${file}`],
      stopSignal: "SIGTERM",
      recordFile: path.join(folder, `${file}.json`),
      logFile: path.join(folder, `${file}.log`),
    });
    running.push(started);
    const isReady = async () => {
      if (!started.isRunning) throw new Error(readFileSync(path.join(folder, `${file}.log`), "utf8"));
      const response = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null); // refused until it listens
      return response?.status === 200;
    };
    await eventually(`${file} is ready`, isReady, 5 * 60_000);
  });
});
