import { Entry, fromRandomAccessReaderPromise } from "yauzl";
import { badInput, DomainError } from "../../errors.ts";
import type { StoredFile } from "../questionFormat.ts";
import { MAX_ENTRIES, MAX_UNPACKED_BYTES } from "./packageLimits.ts";
import { RangeReader } from "./rangeReader.ts";

/** XML shrinks to a tenth, and hardly ever to a hundredth; a small file may be as regular as it likes. */
const MAX_RATIO = 200;
const SMALL_BYTES = 256 * 1024;

/** The files of a package. Only what is asked for is unpacked. */
export interface ZipFiles {
  has(path: string): boolean;
  /** The bytes of a file there is, as they are unpacked. @throws BAD_USER_INPUT if it is damaged or larger than that */
  read(path: string, maxBytes: number): AsyncGenerator<Uint8Array>;
}

export const refusedPackage = (problem: string): DomainError =>
  badInput(`The package cannot be read: ${problem}`, [{ path: "input.content", message: problem }]);

/**
 * Looks through the list of a zip file, before anything of it is unpacked.
 * @throws BAD_USER_INPUT for what is no zip file, is encrypted, has paths that lead out of it, or would unpack to far more
 * than it is
 */
export async function openZip(file: StoredFile): Promise<ZipFiles> {
  const reader = new RangeReader(file);
  /** All that goes wrong with the bytes is their fault. */
  const refusal = (error: unknown): unknown => {
    if (reader.fault) return reader.fault;
    if (error instanceof DomainError || error instanceof TypeError || !(error instanceof Error)) return error;
    return refusedPackage(`${error.message.replace(/\.$/, "")}.`);
  };
  const entries = new Map<string, Entry>();
  try {
    const zip = await fromRandomAccessReaderPromise(reader, file.size, { autoClose: false });
    if (zip.entryCount > MAX_ENTRIES) throw refusedPackage(`it has more than ${MAX_ENTRIES} files.`);
    let unpacked = 0;
    for await (const entry of zip.eachEntry()) {
      unpacked += entry.uncompressedSize;
      requireHarmless(entry, unpacked);
      entries.set(entry.fileName, placeOf(entry));
    }
    return {
      has: (path) => entries.has(path),
      /** What is unpacked is never more than the list of the file says, which yauzl checks. */
      async *read(path, maxBytes) {
        const entry = entries.get(path)!;
        if (entry.uncompressedSize > maxBytes)
          throw refusedPackage(`${path} is larger than ${maxBytes / 1024 / 1024} MB.`);
        try {
          for await (const piece of await zip.openReadStreamPromise(entry)) yield piece as Uint8Array;
        } catch (error) {
          throw refusal(error);
        }
      },
    };
  } catch (error) {
    throw refusal(error);
  }
}

function requireHarmless({ fileName, uncompressedSize, compressedSize, ...entry }: Entry, unpacked: number): void {
  const name = fileName.slice(0, 100);
  if (entry.generalPurposeBitFlag & 1) throw refusedPackage(`${name} is encrypted.`);
  if (unpacked > MAX_UNPACKED_BYTES) throw refusedPackage("it would unpack to more than 500 MB.");
  if (uncompressedSize > SMALL_BYTES && uncompressedSize > compressedSize * MAX_RATIO)
    throw refusedPackage(`${name} would unpack to more than ${MAX_RATIO} times its size.`);
}

/** What it takes to unpack an entry, without the comments and other fields that may be long. */
const placeOf = ({
  compressedSize,
  compressionMethod,
  generalPurposeBitFlag,
  relativeOffsetOfLocalHeader,
  uncompressedSize,
}: Entry): Entry =>
  Object.assign(new Entry(), {
    compressedSize,
    compressionMethod,
    generalPurposeBitFlag,
    relativeOffsetOfLocalHeader,
    uncompressedSize,
  });
