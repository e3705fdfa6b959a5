import { createHmac } from "node:crypto";
import type { Smtp } from "../../services/smtp.ts";
import type { Logger } from "../../utils/logger.ts";
import { mailOf, webhookBody } from "./alertMessages.ts";
import type { Notice } from "./alertState.ts";

/** A way to tell somebody. `send` rejects if it is not certain that they were told. */
export interface Channel {
  name: string;
  send(id: string, notice: Notice, signal: AbortSignal): Promise<void>;
}

/** A message that not every channel has taken yet. */
export interface Unsent {
  id: string;
  notice: Notice;
  /** Names of the channels that have not. */
  channels: string[];
  tries: number;
  nextTryAt: string;
}

/** The body's HMAC-SHA256 with the shared secret, as GitHub signs its own. */
export const signatureHeader = "x-lectern-signature";
export const signatureOf = (secret: string, body: string) =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

/** Posts a message as JSON; any 2xx is taken for "they were told". */
export const webhookChannel = ({ url, secret }: { url: string; secret?: string }): Channel => ({
  name: "webhook",
  async send(id, notice, signal) {
    const body = JSON.stringify(webhookBody(id, notice));
    const headers = {
      "content-type": "application/json",
      ...(secret && { [signatureHeader]: signatureOf(secret, body) }),
    };
    const answer = await fetch(url, { method: "POST", body, headers, signal, redirect: "error" });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`The webhook answered ${answer.status}.`);
  },
});

/** A mail to one address, directly and not by the queue: that may be what is broken. */
export const mailChannel = ({ smtp, to }: { smtp: Smtp; to: string }): Channel => ({
  name: `mail to ${to}`,
  send: (id, notice, signal) =>
    smtp.send({ ...mailOf(notice), to, messageId: smtp.messageIdFor(`alert-${id}`), isAutomatic: true }, signal),
});

const answerWithinMs = 15_000;
const firstPauseMs = 10_000;
const longestPauseMs = 300_000;
/** A message older than this would only confuse. */
const keptMs = 24 * 3_600_000;

/**
 * Tries what is due on every channel that has not taken it, all at once, and returns what is left to be tried again.
 * The same message may arrive twice when the monitor dies in between; its id is the same then. Never rejects.
 */
export async function sendDue(
  unsent: readonly Unsent[],
  { channels, now, log }: { channels: readonly Channel[]; now: string; log: Logger },
): Promise<Unsent[]> {
  const left = await Promise.all(
    unsent.map(async (message) => (message.nextTryAt <= now ? tryOnce(message) : message)),
  );
  return left.filter((message) => message.channels.length > 0);

  async function tryOnce({ id, notice, channels: names, tries }: Unsent): Promise<Unsent> {
    const failed: string[] = [];
    // A channel that is no longer configured is left out.
    await Promise.all(
      channels
        .filter(({ name }) => names.includes(name))
        .map(async (channel) => {
          try {
            await channel.send(id, notice, AbortSignal.timeout(answerWithinMs));
          } catch (error) {
            log.warn({ err: error, channel: channel.name, tries: tries + 1 }, "alert could not be sent");
            failed.push(channel.name);
          }
        }),
    );
    const isTooOld = Date.parse(now) - Date.parse(notice.at) > keptMs;
    if (isTooOld && failed.length > 0) log.error({ channels: failed, notice }, "alert was never sent and is given up");
    const pauseMs = Math.min(firstPauseMs * 2 ** tries, longestPauseMs);
    const nextTryAt = new Date(Date.parse(now) + pauseMs).toISOString();
    return { id, notice, channels: isTooOld ? [] : failed, tries: tries + 1, nextTryAt };
  }
}
