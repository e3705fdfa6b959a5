/** Who is refused: nobody, reads, or saves as well. */
export const LEVELS = ["NORMAL", "READS", "SAVES"] as const;
export type LoadLevel = (typeof LEVELS)[number];

/** What a server can be short of, all in milliseconds. */
export interface LoadFigures {
  /** How late the event loop was with what was due, on average over the last second. */
  loopMs: number;
  /** How long a request will wait for a database connection. */
  poolMs: number;
  /** How long no request has got one, although some waited. */
  poolStuckMs: number;
  /** How long a save will wait for its statement, or how long none has been sent. */
  savesMs: number;
}

/** From which figure on reads are refused, and from which saves too. */
const LIMITS: Record<keyof LoadFigures, { READS: number; SAVES: number }> = {
  // A request takes several turns of the loop, so this is seconds for each. A machine that is merely busy is some tenths late.
  loopMs: { READS: 1_000, SAVES: 3_000 },
  // Who has waited five seconds for a connection is refused in any case (`connectionTimeoutMillis`), a submission too.
  poolMs: { READS: 2_500, SAVES: 4_000 },
  // Something holds every connection: saves have others, and refusing them would help nobody.
  poolStuckMs: { READS: 2_500, SAVES: Number.POSITIVE_INFINITY },
  // A statement is given up after fifteen seconds (`query_timeout`); reads go first, although they are not in this line.
  savesMs: { READS: 4_000, SAVES: 5_000 },
};

/** How long it has to be too much, without a break, before the next class of requests is refused, and how long calm before one is taken again. */
const CHANGE_AFTER_MS = 2_000;
/** Calm is below this share of a limit: what was refused comes back, and must not tip the scales again at once. */
const CALM = 0.5;

/** The level that the figures speak for by themselves. */
function levelFor(figures: LoadFigures, share: number): number {
  const isOver = (level: "READS" | "SAVES") =>
    Object.entries(LIMITS).some(([name, limit]) => figures[name as keyof LoadFigures] > limit[level] * share);
  return isOver("SAVES") ? 2 : isOver("READS") ? 1 : 0;
}

/**
 * The level by figures that are observed once a second. It goes up and down by one step, and each lasts for two seconds at
 * least: one long stall, or one burst that is soon dealt with, changes nothing.
 */
export function createLoadLevel() {
  let level = 0;
  let overSince: number | null = null;
  let calmSince: number | null = null;

  /** @param now in milliseconds, never less than before */
  return function observe(figures: LoadFigures, now: number): LoadLevel {
    overSince = levelFor(figures, 1) > level ? (overSince ?? now) : null;
    calmSince = levelFor(figures, CALM) < level ? (calmSince ?? now) : null;
    const isDue = (since: number | null) => since !== null && now - since >= CHANGE_AFTER_MS;
    const step = isDue(overSince) ? 1 : isDue(calmSince) ? -1 : 0;
    if (step !== 0) [overSince, calmSince] = [null, null];
    level += step;
    return LEVELS[level]!;
  };
}
