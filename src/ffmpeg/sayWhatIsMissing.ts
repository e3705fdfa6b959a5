import type { Logger } from "../utils/logger.ts";
import { FFMPEG_MISSING, type Ffmpeg } from "./ffmpeg.ts";

/** Once, when a worker starts: what keeps it from processing videos, or from keeping ffmpeg within its limits. */
export async function sayWhatIsMissing(
  ffmpeg: Pick<Ffmpeg, "isInstalled" | "missingTools">,
  log: Logger,
): Promise<void> {
  if (!ffmpeg.isInstalled()) return log.warn(FFMPEG_MISSING);
  const missing = await ffmpeg.missingTools();
  if (missing.length > 0)
    log.warn(
      { missing },
      "ffmpeg runs without some of its limits: install util-linux, whose programs set priority, memory, time and cores",
    );
}
