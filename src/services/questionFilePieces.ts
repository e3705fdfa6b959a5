import type { Db } from "../../prisma/client.ts";
import { conflict, unprocessable } from "../domain/errors.ts";
import { MAX_FILE_BYTES } from "../domain/exchange/limits.ts";
import { inPieces, readInOrder } from "./filePieces.ts";

/** The bytes of a file of questions, a piece in memory at a time. */
export const readPieces = (db: Db, fileId: string): AsyncGenerator<Uint8Array> =>
  readInOrder((number) => db.questionFilePiece.findUnique({ where: { fileId_number: { fileId, number } } }));

/**
 * Keeps the bytes of a file; what was kept of an earlier try is overwritten.
 * @returns how many pieces they are
 * @throws UNPROCESSABLE (FILE_TOO_LARGE), CONFLICT (FILE_ARRIVED) for an import that has its file
 */
export async function writePieces(db: Db, fileId: string, source: AsyncIterable<string | Uint8Array>): Promise<number> {
  let number = 0;
  for await (const piece of inPieces(withinLimit(source))) {
    const kept = await db.$executeRaw`
      INSERT INTO question_file_pieces (file_id, number, bytes)
      SELECT id, ${number}, ${piece} FROM question_files
      WHERE id = ${fileId}::uuid AND finished_at IS NULL AND (direction = 'EXPORT' OR job_id IS NULL)
      ON CONFLICT (file_id, number) DO UPDATE SET bytes = excluded.bytes`;
    if (kept === 0) throw conflict("The file has arrived already.", "FILE_ARRIVED");
    number += 1;
  }
  return number;
}

async function* withinLimit(source: AsyncIterable<string | Uint8Array>): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const given of source) {
    const part = typeof given === "string" ? Buffer.from(given) : given;
    bytes += part.length;
    if (bytes > MAX_FILE_BYTES)
      throw unprocessable("FILE_TOO_LARGE", "The file is larger than 50 MB; divide it and send its parts.");
    yield part;
  }
}
