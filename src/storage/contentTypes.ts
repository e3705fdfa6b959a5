const BY_ENDING: Record<string, string> = {
  m3u8: "application/vnd.apple.mpegurl",
  mp4: "video/mp4",
  m4s: "video/iso.segment",
  vtt: "text/vtt; charset=utf-8",
  jpg: "image/jpeg",
};

/** What a file is, by the ending of its name. */
export const contentTypeOf = (key: string): string =>
  BY_ENDING[/\.(\w+)$/.exec(key)?.[1]?.toLowerCase() ?? ""] ?? "application/octet-stream";
