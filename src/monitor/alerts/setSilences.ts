import type { Db } from "../../../prisma/client.ts";
import { allQueues } from "../../queues/allQueues.ts";
import { audit } from "../../services/audit.ts";
import { UsageError } from "../mode.ts";
import { alertRules } from "./alertRules.ts";
import type { AlertStore } from "./alertStore.ts";
import { durationMs, type Silence } from "./silences.ts";

/** Sets, lists and lifts silences. Each act is in the audit log before it counts, under the silence's id. */
export function createSilences({
  db,
  store,
  clock,
  newId,
}: {
  db: Db;
  store: AlertStore;
  clock: () => Date;
  newId: () => string;
}) {
  /** @param via who did it, where nobody logs in, e.g. `cli:root` */
  async function writeDown(action: string, via: string, { id, what, until, reason }: Silence): Promise<void> {
    const after = { what, until, reason, via };
    await db.$transaction((tx) => audit(tx, null, newId, { action, entityType: "Silence", entityId: id, after }));
  }

  return {
    /**
     * Lets no more be heard of a rule, a queue, or `rule:subject` for a time such as `2h`; returns the silence.
     * @throws UsageError when there is no such rule or queue, no reason, or the time is none
     */
    async set({ what, lasts, reason, via }: { what: string; lasts: string; reason: string; via: string }) {
      checkKnown(what);
      if (!reason.trim()) throw new UsageError("A reason is wanted, for whoever wonders why it is quiet.");
      const until = new Date(clock().getTime() + durationMs(lasts)).toISOString();
      const silence: Silence = { id: newId(), what, until, reason: reason.trim(), by: via };
      await writeDown("alert.silence", via, silence);
      await store.addSilence(silence);
      return silence;
    },

    /** Those that still hold, the next to end first. */
    list: () => store.silences(clock()),

    /** Lifts the silence of that id, or all about the same thing; returns which. Safe to repeat. */
    async lift({ what, via }: { what: string; via: string }): Promise<Silence[]> {
      const lifted = (await store.silences(clock())).filter((silence) => silence.id === what || silence.what === what);
      for (const silence of lifted) {
        await writeDown("alert.unsilence", via, silence);
        await store.removeSilence(silence.id);
      }
      return lifted;
    },
  };
}

function checkKnown(what: string): void {
  const [name = ""] = what.split(":");
  const known = [...alertRules, ...allQueues].map((each) => each.name);
  if (!known.includes(name))
    throw new UsageError(`${what}: there is no such rule or queue; there are ${known.join(", ")}.`);
}

/** A line for each silence, for the terminal. */
export const silenceLines = (silences: readonly Silence[]): string =>
  silences.length === 0
    ? "Nothing is silenced."
    : silences.map(({ id, what, until, reason, by }) => `${id}  ${what}  until ${until}  ${reason} (${by})`).join("\n");
