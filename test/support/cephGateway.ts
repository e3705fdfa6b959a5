import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import getPort from "get-port";
import { type OwnProcess, startProcess } from "../../dev/ownProcess.ts";
import { eventually } from "./eventually.ts";

const run = promisify(execFile);
const PROGRAMS = ["radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph", "ceph-authtool", "monmaptool"];
const START_WITHIN_MS = 120_000;

/** What is missing to run an S3 server here; null if nothing is. */
export function missingForGateway(): string | null {
  const folders = (process.env.PATH ?? "").split(":");
  const missing = PROGRAMS.filter((name) => !folders.some((folder) => existsSync(path.join(folder, name))));
  return missing.length === 0 ? null : `${missing.join(", ")} not installed: apt-get install radosgw ceph-mon ceph-osd`;
}

export interface Gateway {
  url: string;
  accessKey: string;
  secretKey: string;
  close(): Promise<void>;
}

/** Ceph's S3 gateway on a cluster of one node that keeps everything in memory, all on the loopback address. */
export async function startGateway(): Promise<Gateway> {
  const folder = await mkdtemp(path.join(os.tmpdir(), "lectern-ceph-"));
  const [v2, v1, port] = [await getPort(), await getPort(), await getPort()];
  const [accessKey, secretKey] = ["lectern", "lectern-secret"];
  const file = (name: string) => path.join(folder, name);
  const fsid = crypto.randomUUID();
  const osdId = crypto.randomUUID();
  await writeFile(
    file("ceph.conf"),
    `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${v2},v1:127.0.0.1:${v1}]
mon initial members = a
public addr = 127.0.0.1
cluster addr = 127.0.0.1
run dir = ${folder}
admin socket = ${folder}/$cluster-$name.asok
keyring = ${file("keyring")}
log file = ${folder}/$cluster-$name.log
pid file =
osd objectstore = memstore
memstore device bytes = 1073741824
osd data = ${file("osd")}
osd journal = ${file("osd")}/journal
osd crush chooseleaf type = 0
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 4
osd pool default pgp num = 4
osd pool default pg autoscale mode = off
mon data = ${file("mon")}
mon allow pool size one = true
mon max pg per osd = 1000
mon warn on pool no redundancy = false
auth allow insecure global id reclaim = false
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw enable usage log = false
`,
  );
  for (const name of ["mon", "osd"]) await mkdir(file(name));
  const conf = ["-c", file("ceph.conf")];
  const caps = ["--cap", "mon", "allow *", "--cap", "osd", "allow *", "--cap", "mgr", "allow *"];
  const keyring = file("keyring");
  await run("ceph-authtool", ["--create-keyring", keyring, "--gen-key", "-n", "mon.", "--cap", "mon", "allow *"]);
  await run("ceph-authtool", [keyring, "--gen-key", "-n", "client.admin", ...caps]);
  const address = `[v2:127.0.0.1:${v2},v1:127.0.0.1:${v1}]`;
  await run("monmaptool", ["--create", "--addv", "a", address, "--fsid", fsid, file("monmap")]);
  await run("ceph-mon", [...conf, "--mkfs", "-i", "a", "--monmap", file("monmap"), "--keyring", keyring]);

  const running: OwnProcess[] = [];
  const start = async (command: string, args: string[]) => {
    const { PATH = "" } = process.env;
    const recordFile = file(`${command}.json`);
    running.unshift(
      await startProcess({
        command,
        args: [...conf, ...args, "-f"],
        cwd: folder,
        env: { PATH, HOME: folder },
        stopSignal: "SIGKILL",
        recordFile,
      }),
    );
  };
  const close = async () => {
    for (const program of running) await program.kill();
    await rm(folder, { recursive: true, force: true });
  };
  const ceph = (...args: string[]) => run("ceph", [...conf, "--connect-timeout", "30", ...args]);
  try {
    await start("ceph-mon", ["-i", "a"]);
    await ceph("osd", "new", osdId);
    await run("ceph-authtool", [
      keyring,
      "--gen-key",
      "-n",
      "osd.0",
      "--cap",
      "mon",
      "allow *",
      "--cap",
      "osd",
      "allow *",
    ]);
    await ceph("auth", "import", "-i", keyring);
    await run("ceph-osd", [...conf, "-i", "0", "--mkfs", "--osd-uuid", osdId]);
    await start("ceph-osd", ["-i", "0"]);
    await start("radosgw", ["-n", "client.admin"]);
    const url = `http://127.0.0.1:${port}`;
    await eventually(
      "the gateway answers",
      () =>
        fetch(url).then(
          ({ ok }) => ok,
          () => false,
        ),
      START_WITHIN_MS,
    );
    const user = ["user", "create", "--uid=lectern", "--display-name=Lectern"];
    await run("radosgw-admin", [...conf, ...user, `--access-key=${accessKey}`, `--secret-key=${secretKey}`]);
    return { url, accessKey, secretKey, close };
  } catch (error) {
    await close();
    throw error;
  }
}
