export interface Segment {
  file: string;
  seconds: number;
}

/** The segments of a media playlist, and whether it says that it is complete. */
export function readMediaPlaylist(text: string): { segments: Segment[]; isComplete: boolean } {
  const segments: Segment[] = [];
  let seconds = 0;
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#EXTINF:")) seconds = Number.parseFloat(line.slice("#EXTINF:".length));
    else if (line && !line.startsWith("#")) segments.push({ file: line, seconds });
  }
  return { segments, isComplete: /^#EXT-X-ENDLIST/m.test(text) };
}

export interface Variant {
  width: number;
  height: number;
  /** Of picture and sound, at the peak. */
  bitsPerSecond: number;
  codecs: string;
}

export const renditionFolder = (height: number): string => `${height}p`;

/** The HLS master playlist. The smallest comes first, because some players begin with the first on whatever line they have. */
export function masterPlaylist(variants: readonly Variant[]): string {
  const ascending = [...variants].sort((a, b) => a.bitsPerSecond - b.bitsPerSecond);
  const entries = ascending.map(
    ({ width, height, bitsPerSecond, codecs }) =>
      `#EXT-X-STREAM-INF:BANDWIDTH=${bitsPerSecond},RESOLUTION=${width}x${height},CODECS="${codecs}"\n` +
      `${renditionFolder(height)}/index.m3u8\n`,
  );
  return `#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n${entries.join("")}`;
}

/** What a player must be able to decode, from the `avcC` box of an init segment: profile and level stand in it. */
export function codecsOf(initSegment: Uint8Array, hasAudio: boolean): string {
  const bytes = Buffer.from(initSegment.buffer, initSegment.byteOffset, initSegment.byteLength);
  const box = bytes.indexOf("avcC", 0, "latin1");
  if (box < 0 || box + 8 > bytes.length) throw new TypeError("An init segment without H.264 in it.");
  const video = `avc1.${bytes.toString("hex", box + 5, box + 8)}`;
  return hasAudio ? `${video},mp4a.40.2` : video;
}
