import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";

const PREFIX = "lectern-video-";

export type WorkFolders = ReturnType<typeof createWorkFolders>;

/** Temporary folders for one job each, removed in every outcome; what a killed process left behind goes with the next one. */
export function createWorkFolders({ parent = os.tmpdir() }: { parent?: string } = {}) {
  const host = os.hostname().replaceAll(/[^\w.]/g, "_");
  const own = new Set<string>();

  /** Folders of this machine whose process is gone; another machine may share the disk, and its processes cannot be seen. */
  async function removeLeftovers(): Promise<void> {
    for (const name of await readdir(parent)) {
      const [, folderHost, pid] = /^lectern-video-(.+)-(\d+)-[^-]+$/.exec(name) ?? [];
      if (folderHost !== host || own.has(name)) continue;
      // A container's first process has the same number each time, so one of our own number may be a dead one's.
      if (Number(pid) === process.pid || !isAlive(Number(pid)))
        await rm(path.join(parent, name), { recursive: true, force: true });
    }
  }

  return {
    /** Gives the work an empty folder of its own. */
    async within<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
      await mkdir(parent, { recursive: true });
      await removeLeftovers();
      const folder = await mkdtemp(path.join(parent, `${PREFIX}${host}-${process.pid}-`));
      own.add(path.basename(folder));
      try {
        return await work(folder);
      } finally {
        await rm(folder, { recursive: true, force: true });
        own.delete(path.basename(folder));
      }
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM"; // somebody else's, but there
  }
}
