/** Those who wait for a connection, seen from outside. */
export interface WaitingLine {
  /** How many wait now. */
  waiting: () => number;
  /** How many have had their turn since the process began. */
  served: () => number;
}

export interface LineFigures {
  /** How long whoever joins the line now will wait, at the pace of the time since the last reading; 0 for a line that is stuck. */
  waitMs: number;
  /** How long nobody has had a turn although somebody waited. */
  stuckMs: number;
}

/** Reads from time to time how fast a line moves: that says more than its length, which a fast database makes harmless. */
export function createLineMeter({ waiting, served }: WaitingLine, startedAt: number) {
  let last = { at: startedAt, served: served() };
  let movedAt = startedAt;

  /** @param now in milliseconds, later than at the last reading */
  return function read(now: number): LineFigures {
    const [inLine, servedNow] = [waiting(), served()];
    const turns = servedNow - last.served;
    const ms = now - last.at;
    last = { at: now, served: servedNow };
    const isStuck = inLine > 0 && turns === 0;
    if (!isStuck) movedAt = now;
    return { waitMs: turns === 0 ? 0 : (inLine * ms) / turns, stuckMs: now - movedAt };
  };
}
