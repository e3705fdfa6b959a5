import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "@jest/globals";
import { localStorage } from "../../src/storage/localStorage.ts";
import { keepsFiles } from "./storageContract.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "lectern-storage-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe("a folder as storage", () => {
  keepsFiles(() => localStorage(path.join(folder, "made", "when", "needed")));

  it("leaves no piece behind when a file cannot be written", async () => {
    const storage = localStorage(path.join(folder, "pieces"));
    await mkdir(path.join(folder, "pieces"));
    await expect(storage.put("videos/1/source", path.join(folder, "none"))).rejects.toThrow("ENOENT");
    expect(await readdir(path.join(folder, "pieces", "videos", "1"))).toEqual([]);
  });

  it("has no address of its own", async () => {
    expect(await localStorage(folder).temporaryUrl("a/b", 60)).toBeNull();
  });
});
