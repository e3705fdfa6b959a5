/** One size a video is offered in. */
export interface Rung {
  width: number;
  height: number;
  /** Most bits per second of its picture. */
  videoBits: number;
}

/** By the shorter side, so that an upright film gets the sizes of one that lies. */
const STEPS = [
  { side: 1080, videoBits: 5_000_000 },
  { side: 720, videoBits: 2_800_000 },
  { side: 480, videoBits: 1_400_000 },
  { side: 360, videoBits: 800_000 },
];
const WIDESCREEN = 16 / 9;

/** Bits per second of the sound, the same in every size. */
export const AUDIO_BITS = 128_000;

/** A key frame, and with it a segment, begins at every multiple of this. */
export const SEGMENT_SECONDS = 4;

/** Downwards: the encoder takes only even sizes, and none may be above the source. */
const even = (pixels: number): number => Math.max(2, Math.floor(pixels / 2) * 2);

/** The sizes for a source, the largest first: never above it, and for a small source its own size alone. */
export function ladderFor(source: { width: number; height: number }): Rung[] {
  const shorter = Math.min(source.width, source.height);
  const fitting = STEPS.filter(({ side }) => side <= shorter);
  const steps = fitting.length > 0 ? fitting : [{ side: shorter, videoBits: STEPS.at(-1)!.videoBits }];
  return steps.map(({ side, videoBits }) => {
    const width = even((source.width * side) / shorter);
    const height = even((source.height * side) / shorter);
    // A wider or narrower picture than 16:9 has more or fewer pixels to pay for.
    const share = (width * height) / (side * side * WIDESCREEN);
    return { width, height, videoBits: Math.round(videoBits * Math.min(2, Math.max(0.5, share))) };
  });
}
