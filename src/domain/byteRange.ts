const ONE_RANGE = /^bytes=(\d*)-(\d*)$/;

/**
 * The bytes that a `Range` header asks for, both ends included; null where the whole file is to be sent: without a header, for
 * several ranges at once, and for what is no range. `"NONE"` where the file has no such bytes.
 */
export function byteRange(header: string | undefined, size: number): { start: number; end: number } | "NONE" | null {
  const [, first, last] = ONE_RANGE.exec(header ?? "") ?? [];
  if (first === undefined || last === undefined || (first === "" && last === "")) return null;
  if (first === "") {
    const length = Math.min(Number(last), size);
    return length === 0 ? "NONE" : { start: size - length, end: size - 1 };
  }
  const [start, end] = [Number(first), last === "" ? size - 1 : Math.min(Number(last), size - 1)];
  if (last !== "" && Number(last) < start) return null;
  return start < size ? { start, end } : "NONE";
}
