import { type Entry, fromBufferPromise, type ZipFile } from "yauzl";
import { badInput, DomainError } from "../../errors.ts";
import { MAX_LIST_LENGTH } from "../limits.ts";

/** Of one package; media are counted, though they are not read. */
const MAX_ENTRIES = 25_000;
const MAX_UNPACKED_BYTES = 500 * 1024 * 1024;
/** Of one file that is read; a list of all questions is the longest. */
const MAX_FILE_READ_BYTES = MAX_LIST_LENGTH;
/** XML shrinks to a tenth, and hardly ever to a hundredth; a small file may be as regular as it likes. */
const MAX_RATIO = 200;
const SMALL_BYTES = 256 * 1024;

/** The files of a package. Only what is asked for is unpacked. */
export interface ZipFiles {
  has(path: string): boolean;
  /** @throws BAD_USER_INPUT if the file is damaged or too large to be read */
  read(path: string): Promise<Uint8Array>;
}

export const refusedPackage = (problem: string): DomainError =>
  badInput(`The package cannot be read: ${problem}`, [{ path: "input.content", message: problem }]);

/**
 * Looks through the list of a zip file, before anything of it is unpacked.
 * @throws BAD_USER_INPUT for what is no zip file, is encrypted, has paths that lead out of it, or would unpack to far more
 * than it is
 */
export async function openZip(bytes: Uint8Array): Promise<ZipFiles> {
  return whileReading(async () => {
    const zip = await fromBufferPromise(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    if (zip.entryCount > MAX_ENTRIES) throw refusedPackage(`it has more than ${MAX_ENTRIES} files.`);
    const entries = new Map<string, Entry>();
    let unpacked = 0;
    for await (const entry of zip.eachEntry()) {
      unpacked += entry.uncompressedSize;
      requireHarmless(entry, unpacked);
      entries.set(entry.fileName, entry);
    }
    return {
      has: (path) => entries.has(path),
      read: (path) => whileReading(() => unpack(zip, entries.get(path)!)),
    };
  });
}

function requireHarmless({ fileName, uncompressedSize, compressedSize, ...entry }: Entry, unpacked: number): void {
  const name = fileName.slice(0, 100);
  if (entry.generalPurposeBitFlag & 1) throw refusedPackage(`${name} is encrypted.`);
  if (unpacked > MAX_UNPACKED_BYTES) throw refusedPackage("it would unpack to more than 500 MB.");
  if (uncompressedSize > SMALL_BYTES && uncompressedSize > compressedSize * MAX_RATIO)
    throw refusedPackage(`${name} would unpack to more than ${MAX_RATIO} times its size.`);
}

/** What is unpacked is never more than the list of the file says, which yauzl checks. */
async function unpack(zip: ZipFile, entry: Entry): Promise<Uint8Array> {
  if (entry.uncompressedSize > MAX_FILE_READ_BYTES) throw refusedPackage(`${entry.fileName} is larger than 4 MB.`);
  const pieces: Uint8Array[] = [];
  for await (const piece of await zip.openReadStreamPromise(entry)) pieces.push(piece as Uint8Array);
  return Buffer.concat(pieces);
}

/** All that goes wrong with bytes in memory is their fault. */
async function whileReading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof DomainError || error instanceof TypeError || !(error instanceof Error)) throw error;
    throw refusedPackage(`${error.message.replace(/\.$/, "")}.`);
  }
}
