const PROBE_SHARE = 2;
const PREVIEWS_SHARE = 3;
const RENDITIONS_SHARE = 95;

/** How much of a processing is done, below 100 until all is: each size counts by its pixels, which is what it costs. */
export function processingPercent(
  renditions: readonly { width: number; height: number; percent: number }[],
  previewsDone: boolean,
): number {
  if (renditions.length === 0) return 0; // the file is still being looked at
  let all = 0;
  let done = 0;
  for (const { width, height, percent } of renditions) {
    all += width * height;
    done += (width * height * percent) / 100;
  }
  const percent = PROBE_SHARE + (previewsDone ? PREVIEWS_SHARE : 0) + (RENDITIONS_SHARE * done) / all;
  return Math.min(99, Math.floor(percent));
}
