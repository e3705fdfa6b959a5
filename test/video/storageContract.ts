import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "@jest/globals";
import type { Storage } from "../../src/storage/storage.ts";

const listed = async (storage: Storage, prefix: string): Promise<string[]> => {
  const keys = [];
  for await (const key of storage.list(prefix)) keys.push(key);
  return keys.sort();
};

/** What every storage promises. */
export function keepsFiles(open: () => Storage): void {
  let storage: Storage;
  let folder: string;
  beforeAll(async () => {
    storage = open();
    folder = await mkdtemp(path.join(os.tmpdir(), "lectern-files-"));
  });
  afterAll(async () => {
    storage?.close();
    if (folder) await rm(folder, { recursive: true, force: true });
  });

  const bytes = randomBytes(300_000);
  const textOf = async (key: string, range?: { start: number; end?: number }) =>
    (await buffer((await storage.read(key, range))!.stream)).toString();

  it("gives back what was put there, from memory or from a file of this machine", async () => {
    const file = path.join(folder, "source");
    await writeFile(file, bytes);
    for (const from of [bytes, file]) {
      await storage.put("videos/1/runs/1/360p/seg_0001.m4s", from);
      const read = await storage.read("videos/1/runs/1/360p/seg_0001.m4s");
      expect([read!.size, read!.contentType]).toEqual([bytes.length, "video/iso.segment"]);
      expect((await buffer(read!.stream)).equals(bytes)).toBe(true);
    }
    expect(await storage.size("videos/1/runs/1/360p/seg_0001.m4s")).toBe(bytes.length);
  });

  it("reads a range, both ends included, and tells the size of the whole", async () => {
    await storage.put("a/digits.vtt", Buffer.from("0123456789"));
    expect(await textOf("a/digits.vtt", { start: 2, end: 4 })).toBe("234");
    expect(await textOf("a/digits.vtt", { start: 7 })).toBe("789");
    expect(await textOf("a/digits.vtt", { start: 0, end: 0 })).toBe("0");
    const read = await storage.read("a/digits.vtt", { start: 9, end: 9 });
    read!.stream.destroy();
    expect(read).toMatchObject({ size: 10, contentType: "text/vtt; charset=utf-8" });
  });

  it("replaces a file as a whole", async () => {
    await storage.put("a/replaced", Buffer.from("the longer text"));
    await storage.put("a/replaced", Buffer.from("short"));
    expect(await textOf("a/replaced")).toBe("short");
  });

  it("keeps an empty file", async () => {
    await storage.put("a/empty", Buffer.alloc(0));
    expect(await storage.size("a/empty")).toBe(0);
    expect(await textOf("a/empty")).toBe("");
  });

  it.each(["a/none", "a", "a/", "none/at/all", "", "/etc/passwd", "../etc/passwd", "a/../../x", "a//b", "a/.hidden"])(
    "has nothing at %p",
    async (key) => {
      await storage.put("a/something", Buffer.from("something"));
      expect(await storage.size(key)).toBeNull();
      expect(await storage.read(key)).toBeNull();
    },
  );

  it.each(["../outside", "/outside", "a/../../outside", ""])("writes nothing at %p", async (key) => {
    await expect((async () => storage.put(key, Buffer.from("x")))()).rejects.toThrow("cannot be the key");
    await expect((async () => storage.remove(key))()).rejects.toThrow("cannot be the key");
    await expect((async () => storage.removeAll(`${key}/`))()).rejects.toThrow("cannot be the key");
  });

  it("brings a file to this machine", async () => {
    await storage.put("a/copied", bytes);
    const file = path.join(folder, "copied");
    expect(await storage.copyToFile("a/copied", file)).toBe(true);
    expect((await readFile(file)).equals(bytes)).toBe(true);
    expect(await storage.copyToFile("a/none", path.join(folder, "none"))).toBe(false);
  });

  it("moves a file, in place of what was there, and says when there is none", async () => {
    await storage.put("uploads/1", bytes);
    await storage.put("videos/2/source/1", Buffer.from("before"));
    expect(await storage.move("uploads/1", "videos/2/source/1")).toBe(true);
    expect(await storage.size("uploads/1")).toBeNull();
    expect(await storage.size("videos/2/source/1")).toBe(bytes.length);
    expect(await storage.move("uploads/1", "videos/2/source/1")).toBe(false);
    expect(await storage.size("videos/2/source/1")).toBe(bytes.length);
  });

  it("moves it once when two ask at once", async () => {
    await storage.put("uploads/2", bytes);
    await Promise.allSettled([1, 2, 3].map(() => storage.move("uploads/2", "videos/2/source/2")));
    expect(await storage.size("uploads/2")).toBeNull();
    expect(await storage.size("videos/2/source/2")).toBe(bytes.length);
  });

  it("lists and removes all of a folder, and no other whose name begins the same", async () => {
    for (const key of ["videos/3/source/1", "videos/3/runs/1/master.m3u8", "videos/33/source/1"])
      await storage.put(key, Buffer.from(key));
    expect(await listed(storage, "videos/3/")).toEqual(["videos/3/runs/1/master.m3u8", "videos/3/source/1"]);
    await storage.removeAll("videos/3/");
    await storage.removeAll("videos/3/");
    expect(await listed(storage, "videos/3/")).toEqual([]);
    expect(await storage.size("videos/33/source/1")).toBe(18);
    await expect((async () => storage.removeAll("videos/3"))()).rejects.toThrow("slash");
  });

  it("removes a file, also one that is gone", async () => {
    await storage.put("a/removed", Buffer.from("x"));
    await storage.remove("a/removed");
    await storage.remove("a/removed");
    expect(await storage.size("a/removed")).toBeNull();
  });
}
