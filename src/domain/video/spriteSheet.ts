/** Small pictures of a video at steady intervals, as many on a sheet as fit. */
export interface SpriteSheets {
  intervalSeconds: number;
  tileWidth: number;
  tileHeight: number;
  columns: number;
  rows: number;
  tiles: number;
  sheets: number;
}

const LONGER_SIDE = 160;
const SIDE_TILES = 10;

const even = (pixels: number): number => Math.max(2, Math.round(pixels / 2) * 2);

/** One picture every two seconds, in a long video every ten at most. */
export function spriteSheets(video: { durationSeconds: number; width: number; height: number }): SpriteSheets {
  const intervalSeconds = Math.min(10, Math.max(2, Math.ceil(video.durationSeconds / 300)));
  const tiles = Math.max(1, Math.ceil(video.durationSeconds / intervalSeconds));
  const scale = LONGER_SIDE / Math.max(video.width, video.height);
  const columns = Math.min(SIDE_TILES, tiles);
  const rows = Math.min(SIDE_TILES, Math.ceil(tiles / columns));
  return {
    intervalSeconds,
    tileWidth: even(video.width * scale),
    tileHeight: even(video.height * scale),
    columns,
    rows,
    tiles,
    sheets: Math.ceil(tiles / (columns * rows)),
  };
}

export const spriteFile = (sheet: number): string => `sprite_${sheet}.jpg`;

/** The WebVTT that names each interval's picture; addresses are relative to it. */
export function spriteVtt(sheets: SpriteSheets, durationSeconds: number): string {
  const perSheet = sheets.columns * sheets.rows;
  const cues = Array.from({ length: sheets.tiles }, (_, tile) => {
    const from = tile * sheets.intervalSeconds;
    const to = Math.max(from + 0.001, Math.min(from + sheets.intervalSeconds, durationSeconds));
    const place = tile % perSheet;
    const x = (place % sheets.columns) * sheets.tileWidth;
    const y = Math.floor(place / sheets.columns) * sheets.tileHeight;
    const file = spriteFile(Math.floor(tile / perSheet));
    return `${timestamp(from)} --> ${timestamp(to)}\n${file}#xywh=${x},${y},${sheets.tileWidth},${sheets.tileHeight}\n`;
  });
  return `WEBVTT\n\n${cues.join("\n")}`;
}

function timestamp(seconds: number): string {
  const ms = Math.round(seconds * 1000);
  const part = (unitMs: number, base: number, digits = 2) =>
    String(Math.floor(ms / unitMs) % base).padStart(digits, "0");
  return `${part(3_600_000, 1_000)}:${part(60_000, 60)}:${part(1_000, 60)}.${part(1, 1_000, 3)}`;
}
