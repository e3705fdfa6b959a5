import { Readable } from "node:stream";
import { RandomAccessReader } from "yauzl";
import type { StoredFile } from "../questionFormat.ts";

/** Read at once; many small files of a package lie in one. */
const BLOCK_BYTES = 64 * 1024;

/** Gives yauzl any part of a file, of which one block is in memory. */
export class RangeReader extends RandomAccessReader {
  /** What went wrong where the file is kept, which is not the fault of what it holds. */
  fault: unknown = null;
  readonly #file: StoredFile;
  #block: { start: number; bytes: Uint8Array } = { start: 0, bytes: new Uint8Array() };

  constructor(file: StoredFile) {
    super();
    this.#file = file;
  }

  override _readStreamForRange(start: number, end: number): Readable {
    return Readable.from(this.#parts(start, end), { objectMode: false });
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    const fill = async () => {
      let filled = 0;
      for await (const part of this.#parts(position, position + length)) {
        buffer.set(part, offset + filled);
        filled += part.length;
      }
      return filled;
    };
    fill().then((filled) => callback(null, filled), callback);
  }

  /** Ends early where the file does. */
  async *#parts(start: number, end: number): AsyncGenerator<Uint8Array> {
    for (let at = start; at < Math.min(end, this.#file.size); ) {
      const { start: first, bytes } = await this.#blockWith(at);
      const part = bytes.subarray(at - first, end - first);
      if (part.length === 0) return;
      yield part;
      at += part.length;
    }
  }

  async #blockWith(at: number) {
    const start = at - (at % BLOCK_BYTES);
    if (this.#block.start === start && this.#block.bytes.length > 0) return this.#block;
    try {
      this.#block = { start, bytes: await this.#file.range(start, start + BLOCK_BYTES) };
    } catch (error) {
      this.fault = error;
      throw error;
    }
    return this.#block;
  }
}
