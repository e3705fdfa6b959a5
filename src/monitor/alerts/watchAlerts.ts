import type { Logger } from "../../utils/logger.ts";
import type { Snapshot } from "../snapshot.ts";
import type { AlertRule } from "./alertRule.ts";
import { type AlertTiming, type Notice, nextState } from "./alertState.ts";
import { type AlertMemory, type AlertStore, emptyMemory } from "./alertStore.ts";
import { type Channel, sendDue } from "./sendAlerts.ts";
import type { Silence } from "./silences.ts";

export interface AlertWatch {
  /** Looks at one snapshot and tells whom it concerns, at the snapshot's own time. One at a time. */
  observe(snapshot: Snapshot): Promise<void>;
  /** Lets another monitor take over at once. Never rejects. Safe to repeat. */
  close(): Promise<void>;
}

/**
 * What one monitor does about alerts. Of several, the one that holds the lease acts, and goes on where the last one stopped.
 * While Redis is away, or too full to be written, whoever acted goes on from its own memory; one that knows of no other
 * acts too, for a message twice is better than none.
 */
export function createAlertWatch({
  id,
  store,
  rules,
  timing,
  channels,
  leaseMs,
  newId,
  log,
}: {
  /** Unlike any other monitor's. */
  id: string;
  store: AlertStore;
  rules: readonly AlertRule[];
  timing: AlertTiming;
  channels: readonly Channel[];
  /** Longer than an interval and a channel that does not answer. */
  leaseMs: number;
  newId: () => string;
  log: Logger;
}): AlertWatch {
  let holder: string | undefined;
  let memory: AlertMemory = emptyMemory;
  let silences: Silence[] = [];
  let waitsUntil = 0;
  let isFailing = false;

  /** An outage is said once. */
  function failed(error: unknown): void {
    if (!isFailing) log.warn({ err: error }, "alerts go on from memory: Redis cannot be read or written");
    isFailing = true;
  }

  /** Whether it is this monitor that acts. */
  async function acts(now: number): Promise<boolean> {
    // After an outage every lease has run out. The one that acted comes first, for only it knows what it said meanwhile.
    if (now < waitsUntil && holder !== id) return false;
    const before = holder;
    try {
      holder = await store.hold(id, leaseMs);
      silences = await store.silences(new Date(now));
      if (holder !== id) memory = emptyMemory;
      else if (before !== id) memory = joined(await store.load(), memory);
    } catch (error) {
      failed(error);
      if (holder !== undefined && holder !== id) waitsUntil = now + leaseMs;
      else if (before !== id) holder = undefined; // the lease without its memory is not enough
    }
    return holder === id || holder === undefined;
  }

  async function remember(next: AlertMemory): Promise<void> {
    memory = next;
    try {
      await store.save(memory);
      isFailing = false;
    } catch (error) {
      failed(error);
    }
  }

  const toSend = (notice: Notice) => ({
    ...{ id: newId(), notice, channels: channels.map(({ name }) => name), tries: 0, nextTryAt: notice.at },
  });

  return {
    async observe(snapshot) {
      const now = snapshot.takenAt;
      if (!(await acts(Date.parse(now)))) return;
      const { state, notice } = nextState(memory.state, snapshot, { rules, silences, timing });
      if (notice) log.warn(inWords(notice), "alerts");
      const unsent = notice ? [...memory.unsent, toSend(notice)] : memory.unsent;
      await remember({ state, unsent }); // first: if we die while we send, the next monitor sends it
      if (unsent.length === 0) return;
      await remember({ state, unsent: await sendDue(unsent, { channels, now, log }) });
    },

    async close() {
      if (holder !== id) return;
      holder = undefined;
      await store.release(id).catch((error) => log.debug({ err: error }, "the lease runs out by itself"));
    },
  };
}

/** What was kept in Redis, and what a monitor saw while it could not be read. */
const joined = (kept: AlertMemory, own: AlertMemory): AlertMemory => ({
  state: {
    alerts: { ...kept.state.alerts, ...own.state.alerts },
    over: [...kept.state.over, ...own.state.over],
    past: own.state.past.length > 0 ? own.state.past : kept.state.past,
    lastNoticeAt: own.state.lastNoticeAt ?? kept.state.lastNoticeAt,
  },
  unsent: [...kept.unsent, ...own.unsent],
});

function inWords({ began, over, still }: Notice) {
  const named = (alerts: Notice["began"]) => alerts.map(({ rule, subject }) => `${rule} (${subject})`);
  return { began: named(began), over: named(over), still: named(still) };
}
