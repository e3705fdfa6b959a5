import { createHash } from "node:crypto";
import { END_BYTES, type FileEnds } from "../domain/fileKinds.ts";

/** Reads a file through once, keeping no more of it than its ends. @returns its SHA-256 in hexadecimal, and both ends */
export async function fileFacts(file: AsyncIterable<Buffer>): Promise<{ sha256: string; ends: FileEnds }> {
  const hash = createHash("sha256");
  let head = Buffer.alloc(0);
  let tail = Buffer.alloc(0);
  for await (const chunk of file) {
    hash.update(chunk);
    if (head.length < END_BYTES) head = Buffer.concat([head, chunk.subarray(0, END_BYTES - head.length)]);
    tail = Buffer.concat([tail, chunk]).subarray(-END_BYTES);
  }
  return { sha256: hash.digest("hex"), ends: { head, tail } };
}
