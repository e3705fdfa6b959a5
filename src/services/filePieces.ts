const PIECE_BYTES = 1024 * 1024;

/** The same bytes in pieces of about a megabyte, whatever they come in, so that a file can be kept without anybody holding all of it. */
export async function* inPieces(source: AsyncIterable<string | Uint8Array>): AsyncGenerator<Buffer<ArrayBuffer>> {
  let [held, heldBytes] = [[] as Uint8Array[], 0];
  for await (const given of source) {
    const part = typeof given === "string" ? Buffer.from(given) : given;
    held.push(part);
    heldBytes += part.length;
    if (heldBytes < PIECE_BYTES) continue;
    yield Buffer.concat(held);
    [held, heldBytes] = [[], 0];
  }
  if (heldBytes > 0) yield Buffer.concat(held);
}

/** The bytes of a file that was kept so, one piece in memory at a time. @param find the piece of a number, from 0 */
export async function* readInOrder(
  find: (number: number) => Promise<{ bytes: Uint8Array } | null>,
): AsyncGenerator<Uint8Array> {
  for (let number = 0; ; number++) {
    const piece = await find(number);
    if (!piece) return;
    yield piece.bytes;
  }
}
