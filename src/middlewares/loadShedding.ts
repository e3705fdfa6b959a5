import { randomInt } from "node:crypto";
import { DomainError } from "../domain/errors.ts";
import type { Logger } from "../utils/logger.ts";
import { createLineMeter, type WaitingLine } from "./lineMeter.ts";
import { createLoadLevel, type LoadFigures, type LoadLevel } from "./loadLevel.ts";

/**
 * When a request is refused by a server with too much to do: what is cheap to repeat FIRST, what changes something SECOND, and
 * what cannot wait NEVER.
 */
export type ShedOrder = "FIRST" | "SECOND" | "NEVER";

const OBSERVE_EVERY_MS = 1_000;
/** How often the event loop is asked how late it is. */
const BEAT_MS = 100;
/** Clients come back at different moments, or they would all come at once. */
const RETRY_SECONDS = { min: 1, max: 5 };

export type LoadShedding = ReturnType<typeof createLoadShedding>;

/**
 * Watches the event loop and those who wait for the database, and refuses a part of the requests while there is more to do than
 * can be done; when it is not on, nothing. Observes until it is stopped, without keeping the process alive.
 */
export function createLoadShedding({
  isOn,
  lines,
  log,
}: {
  isOn: boolean;
  lines: { pool: WaitingLine; saves: WaitingLine };
  log: Pick<Logger, "warn" | "info">;
}) {
  const startedAt = performance.now();
  const readPool = createLineMeter(lines.pool, startedAt);
  const readSaves = createLineMeter(lines.saves, startedAt);
  const observe = createLoadLevel();
  const counts = { readCount: 0, saveCount: 0 };
  let level: LoadLevel = "NORMAL";
  let [beatAt, observedAt] = [startedAt, startedAt];
  let [beats, lateMs] = [0, 0];

  function figures(now: number): LoadFigures {
    const [pool, saves] = [readPool(now), readSaves(now)];
    return {
      loopMs: Math.round(lateMs / beats),
      poolMs: Math.round(pool.waitMs),
      poolStuckMs: Math.round(pool.stuckMs),
      savesMs: Math.round(Math.max(saves.waitMs, saves.stuckMs)),
    };
  }

  function look(now: number): void {
    const seen = figures(now);
    const before = level;
    level = observe(seen, now);
    if (level === before) return;
    const line = { from: before, to: level, ...seen, refused: { ...counts } };
    if (level === "NORMAL") log.info(line, "the load is normal again: nothing is refused");
    else log.warn(line, `too much load: ${level === "READS" ? "reads are" : "reads and saves are"} refused`);
  }

  // Node's own histogram of the loop's delays drops the first one after each reset: of a loop that is blocked for longer than a
  // second at a time it would never tell.
  function beat(): void {
    const now = performance.now();
    lateMs += Math.max(0, now - beatAt - BEAT_MS);
    beats += 1;
    beatAt = now;
    if (now - observedAt < OBSERVE_EVERY_MS) return;
    look(now);
    observedAt = now;
    [beats, lateMs] = [0, 0];
  }
  const timer = isOn ? setInterval(beat, BEAT_MS).unref() : undefined;

  return {
    /** False nearly always: then there is no need to find out what a request is. */
    isShedding: () => level !== "NORMAL",

    /** @returns the refusal (SERVICE_UNAVAILABLE, OVERLOADED) if requests like this are refused at the moment */
    refusalOf(order: ShedOrder): DomainError | null {
      if (level === "NORMAL" || order === "NEVER" || (order === "SECOND" && level === "READS")) return null;
      counts[order === "FIRST" ? "readCount" : "saveCount"] += 1;
      return new DomainError("SERVICE_UNAVAILABLE", "The server has too much to do at the moment. Try again soon.", {
        reason: "OVERLOADED",
        retryAfter: randomInt(RETRY_SECONDS.min, RETRY_SECONDS.max + 1),
      });
    },

    level: (): LoadLevel => level,
    /** How many requests of each kind were refused since the process began. */
    counts: (): Readonly<typeof counts> => ({ ...counts }),

    stop(): void {
      clearInterval(timer);
    },
  };
}
