import type { Db } from "../../prisma/client.ts";
import { conflict, unprocessable } from "../domain/errors.ts";
import { MAX_FILE_BYTES } from "../domain/exchange/limits.ts";
import type { StoredFile } from "../domain/exchange/questionFormat.ts";
import { inPieces, readInOrder } from "./filePieces.ts";

/** The bytes of a file of questions, a piece in memory at a time. */
export const readPieces = (db: Db, fileId: string): AsyncGenerator<Uint8Array> =>
  readInOrder((number) => db.questionFilePiece.findUnique({ where: { fileId_number: { fileId, number } } }));

/** A file of questions of which any part can be read; the pieces stay in the database. */
export async function storedFile(db: Db, fileId: string): Promise<StoredFile> {
  const lengths = await db.$queryRaw<{ number: number; length: number }[]>`
    SELECT number, length(bytes) FROM question_file_pieces WHERE file_id = ${fileId}::uuid ORDER BY number`;
  let size = 0;
  const pieces = lengths.map(({ number, length }) => {
    const start = size;
    size += length;
    return { number, start, end: size };
  });
  return {
    size,
    [Symbol.asyncIterator]: () => readPieces(db, fileId),
    async range(start, end) {
      const parts: Uint8Array[] = [];
      for (const piece of pieces.filter((it) => it.start < end && it.end > start)) {
        const from = Math.max(start - piece.start, 0);
        const [row] = await db.$queryRaw<{ bytes: Uint8Array }[]>`
          SELECT substring(bytes FROM ${from + 1}::int FOR ${Math.min(end, piece.end) - piece.start - from}::int) AS bytes
          FROM question_file_pieces WHERE file_id = ${fileId}::uuid AND number = ${piece.number}`;
        if (!row) throw new Error("A piece of the file went away while it was read.");
        parts.push(row.bytes);
      }
      return Buffer.concat(parts);
    },
  };
}

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
