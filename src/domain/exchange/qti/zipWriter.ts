import { Readable } from "node:stream";
import { ZipFile } from "yazl";

/** Adds a file; kept when its text has been taken up, so that who waits for it holds one file at a time. */
export type AddFile = (path: string, parts: Iterable<string>) => Promise<void>;

/** The same files make the same archive, whenever it is written. */
const WRITTEN_AT = { mtime: new Date("2000-01-01T12:00:00Z"), forceDosTimestamp: true };

/** The bytes of a zip file while `fill` adds its files. They are made no faster than they are taken. */
export async function* zipped(fill: (add: AddFile) => Promise<void>): AsyncGenerator<Uint8Array> {
  const zip = new ZipFile();
  const bytes = zip.outputStream as Readable;
  const add: AddFile = (path, parts) =>
    new Promise((resolve, reject) => {
      zip.addReadStreamLazy(path, WRITTEN_AT, (open) => {
        open(null, Readable.from(parts, { objectMode: false }).once("end", resolve).once("error", reject));
      });
    });
  fill(add).then(
    () => zip.end(),
    (error) => bytes.destroy(error), // thrown by the loop below
  );
  for await (const piece of bytes) yield piece as Uint8Array;
}
