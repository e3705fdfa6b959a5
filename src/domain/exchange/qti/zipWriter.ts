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
  fill((path, parts) => addTo(zip, path, parts)).then(
    () => zip.end(),
    (error) => bytes.destroy(error), // thrown by the loop below
  );
  for await (const piece of bytes) yield piece as Uint8Array;
}

function addTo(zip: ZipFile, path: string, parts: Iterable<string>): Promise<void> {
  const waiting = [parts]; // taken out when it is written, for the archive keeps the function below to its end
  return new Promise((resolve, reject) => {
    zip.addReadStreamLazy(path, WRITTEN_AT, (open) => {
      const content = Readable.from(encoded(waiting.pop()!), { objectMode: false });
      open(null, content.once("end", resolve).once("error", reject));
    });
  });
}

/** Not by Buffer, which cuts small pieces out of larger ones: the archive keeps the names that are cut out of the same. */
function* encoded(parts: Iterable<string>): Generator<Uint8Array> {
  const encoder = new TextEncoder();
  for (const part of parts) yield encoder.encode(part);
}
