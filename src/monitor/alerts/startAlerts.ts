import { setTimeout as sleep } from "node:timers/promises";
import { type Config, ConfigError, readConfig } from "../../config.ts";
import type { Redis } from "../../redis/redis.ts";
import { createSmtp } from "../../services/smtp.ts";
import type { Logger } from "../../utils/logger.ts";
import type { Snapshot } from "../snapshot.ts";
import { lookEveryMs, withOverrides } from "./alertRules.ts";
import { createAlertStore } from "./alertStore.ts";
import { type Channel, mailChannel, webhookChannel } from "./sendAlerts.ts";
import { createAlertWatch } from "./watchAlerts.ts";

const ownVariables = [
  ...(["ALERT_WEBHOOK_URL", "ALERT_WEBHOOK_SECRET", "ALERT_MAIL_TO"] as const),
  ...(["ALERT_RULES", "ALERT_REPEAT_MINUTES"] as const),
] as const;
const mailVariables = ["SMTP_URL", "MAIL_FROM"] as const;

export type AlertConfig = Pick<Config, (typeof ownVariables)[number]> &
  Partial<Pick<Config, (typeof mailVariables)[number]>>;

/** The variables of alerts; those of the mail server only where somebody wants mails. @throws ConfigError */
export const readAlertConfig = (env: NodeJS.ProcessEnv): AlertConfig =>
  env.ALERT_MAIL_TO ? readConfig(env, [...ownVariables, ...mailVariables]) : readConfig(env, ownVariables);

const groupSeconds = 60;
const calmSeconds = 30;
const mailsPerSecond = 5;

/**
 * Looks every ten seconds and tells by webhook and mail what goes wrong and what is well again; always in the log, too.
 * Several monitors may do so at once: one of them acts.
 * @throws ConfigError when ALERT_RULES names a rule that does not exist, or mails have no server
 */
export function startAlerts({
  config,
  redis,
  prefix,
  takeSnapshot,
  newId,
  log,
  everyMs = lookEveryMs,
}: {
  config: AlertConfig;
  /** A connection of the role "queue": it fails rather than hangs. */
  redis: Redis;
  prefix: string;
  takeSnapshot: () => Promise<Snapshot>;
  newId: () => string;
  log: Logger;
  everyMs?: number;
}): { close(): Promise<void> } {
  const rules = withOverrides(config.ALERT_RULES);
  const { SMTP_URL, MAIL_FROM, ALERT_MAIL_TO, ALERT_WEBHOOK_URL, ALERT_WEBHOOK_SECRET } = config;
  const hasMail = ALERT_MAIL_TO.length > 0;
  if (hasMail && !(SMTP_URL && MAIL_FROM)) throw new ConfigError("ALERT_MAIL_TO needs SMTP_URL and MAIL_FROM, too.");
  const smtp = hasMail ? createSmtp({ url: SMTP_URL!, from: MAIL_FROM!, perSecond: mailsPerSecond }) : undefined;
  const channels: Channel[] = [
    ...(ALERT_WEBHOOK_URL ? [webhookChannel({ url: ALERT_WEBHOOK_URL, secret: ALERT_WEBHOOK_SECRET })] : []),
    ...(smtp ? ALERT_MAIL_TO.map((to) => mailChannel({ smtp, to })) : []),
  ];
  const watch = createAlertWatch({
    id: newId(),
    store: createAlertStore({ redis, prefix }),
    rules,
    timing: { repeatSeconds: config.ALERT_REPEAT_MINUTES * 60, groupSeconds, calmSeconds },
    channels,
    leaseMs: Math.max(60_000, 3 * everyMs),
    newId,
    log,
  });

  const stop = new AbortController();
  const looking = look();

  async function look(): Promise<void> {
    while (!stop.signal.aborted) {
      try {
        await watch.observe(await takeSnapshot());
      } catch (error) {
        log.error({ err: error }, "alerts could not be worked out; tried again"); // a fault of ours must not end the watch
      }
      await sleep(everyMs, undefined, { signal: stop.signal }).catch(() => {}); // aborted means closing
    }
  }

  return {
    async close() {
      stop.abort();
      await looking;
      await watch.close();
      smtp?.close();
    },
  };
}
