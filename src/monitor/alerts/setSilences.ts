import { allQueues } from "../../queues/allQueues.ts";
import { alertRules } from "./alertRules.ts";
import type { AlertStore } from "./alertStore.ts";
import { durationMs, type Silence } from "./silences.ts";

/** What the system writes down about a silence. */
export type SilenceAct = (action: "alerts.silenced" | "alerts.unsilenced", silence: Silence) => Promise<void>;

/**
 * Sets, lists and lifts silences for the command line. What was done is written down before it counts.
 * `what` is a rule, a queue, or `rule:subject`.
 */
export function createSilences({
  store,
  audit,
  clock,
  newId,
}: {
  store: AlertStore;
  audit: SilenceAct;
  clock: () => Date;
  newId: () => string;
}) {
  return {
    /** @throws TypeError when there is no such rule or queue, or the time is none */
    async set({ what, lasts, reason, by }: { what: string; lasts: string; reason: string; by: string }) {
      checkKnown(what);
      if (!reason.trim()) throw new TypeError("A reason is wanted: --reason, for whoever wonders why it is quiet.");
      const until = new Date(clock().getTime() + durationMs(lasts)).toISOString();
      const silence = { id: newId(), what, until, reason: reason.trim(), by };
      await audit("alerts.silenced", silence);
      await store.addSilence(silence);
      return silence;
    },

    list: () => store.silences(clock()),

    /** Lifts the silence of that id, or all about the same thing; returns which. */
    async lift(what: string): Promise<Silence[]> {
      const lifted = (await store.silences(clock())).filter((silence) => silence.id === what || silence.what === what);
      for (const silence of lifted) {
        await audit("alerts.unsilenced", silence);
        await store.removeSilence(silence.id);
      }
      return lifted;
    },
  };
}

function checkKnown(what: string): void {
  const [name] = what.split(":");
  const known = [...alertRules.map((rule) => rule.name), ...allQueues.map((queue) => queue.name)];
  if (!known.includes(name!))
    throw new TypeError(`${what}: there is no such rule or queue; there are ${known.join(", ")}.`);
}

/** A line for each silence, for the terminal. */
export const silenceLines = (silences: readonly Silence[]): string =>
  silences.length === 0
    ? "Nothing is silenced."
    : silences.map(({ id, what, until, reason, by }) => `${id}  ${what}  until ${until}  ${reason} (${by})`).join("\n");
