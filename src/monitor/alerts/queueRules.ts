import { isAway, type QueueFigures, type Snapshot } from "../snapshot.ts";
import { type AlertRule, type Reading, workersOf } from "./alertRule.ts";

/** Fewer failures in a minute than these are no rate: they are looked at one by one, on the dead-letter list. */
const leastFailures = 3;
/** How long a worker that is gone is missed; after that it is taken for stopped on purpose. */
const missedForMs = 600_000;

type Figure = (queue: QueueFigures) => Omit<Reading, "subject">;
const yes = (isSo: boolean) => (isSo ? 1 : 0);

/** A rule over each queue; mails have rules of their own where what helps is another thing. */
const ofEachQueue =
  (figure: Figure, isFor: (name: string) => boolean = () => true) =>
  ({ queues }: Snapshot): Reading[] | null =>
    isAway(queues)
      ? null
      : queues.filter(({ name }) => isFor(name)).map((queue) => ({ subject: queue.name, ...figure(queue) }));
const isMail = (name: string) => name === "email";
const isNotMail = (name: string) => !isMail(name);

const failing: Figure = ({ name, failedPerMinute, completedPerMinute }) => {
  const percent = Math.round((100 * failedPerMinute) / (failedPerMinute + completedPerMinute || 1));
  return {
    value: failedPerMinute >= leastFailures ? percent : 0,
    says: `${name}: ${percent} % of the tries fail, ${inWords(failedPerMinute)} a minute.`,
  };
};
const slow: Figure = ({ name, run }) => {
  const seconds = (run?.p95 ?? 0) / 1_000;
  return { value: seconds, says: `${name}: a job takes up to ${inWords(seconds)} s.` };
};
const inWords = (figure: number) => String(Math.round(figure * 10) / 10);

export const queueRules: readonly AlertRule[] = [
  {
    name: "noWorker",
    severity: "critical",
    meaning: "No worker takes jobs of the queue.",
    unit: "yes or no",
    ...{ raise: 1, clear: 0, forSeconds: 30 },
    remedy: "Start a worker; if one should run, its last log lines say why it ended.",
    measure: ofEachQueue(({ name, workers }) => ({ value: yes(workers === 0), says: `${name}: no workers.` })),
  },
  {
    name: "workerLost",
    severity: "warning",
    meaning: "Fewer workers run than within the last ten minutes; others go on.",
    unit: "count",
    ...{ raise: 1, clear: 0, forSeconds: 60 },
    remedy:
      "See why the worker ended: its last log lines, and whether the system killed it for its memory. Start it again, unless it was stopped on purpose.",
    needsPast: true,
    measure: ({ queues, takenAt }, past) => {
      const now = isAway(queues) ? null : workersOf(queues);
      if (now === null) return null;
      const since = Date.parse(takenAt) - missedForMs;
      const before = past.map(({ at, workers }) => (Date.parse(at) >= since ? (workers ?? 0) : 0));
      const most = Math.max(now, ...before);
      // With none left the rule above says so.
      return [
        { subject: "workers", value: now === 0 ? 0 : most - now, says: `${most - now} of ${most} workers are gone.` },
      ];
    },
  },
  {
    name: "queuePaused",
    severity: "warning",
    meaning: "The queue is paused and was perhaps forgotten.",
    unit: "yes or no",
    ...{ raise: 1, clear: 0, forSeconds: 900 },
    remedy: "Resume the queue, or silence this alert for as long as it has to stay paused.",
    measure: ofEachQueue(({ name, isPaused }) => ({ value: yes(isPaused), says: `${name}: paused.` })),
  },
  {
    name: "queueAge",
    severity: "warning",
    meaning: "The oldest job waits too long for its turn.",
    unit: "seconds waited",
    ...{ raise: 60, clear: 30, forSeconds: 30 },
    subjects: {
      email: { raise: 600, clear: 300 }, // a mail to each of thousands is sent at the rate the mail server allows
      transcode: { raise: 7_200, clear: 3_600 }, // one video at a time
    },
    remedy: "Start more workers; if they are idle, see what the running jobs wait for.",
    measure: ofEachQueue(({ name, oldestWaitingSeconds }) => ({
      value: oldestWaitingSeconds ?? 0,
      says: `${name}: a job waits for ${oldestWaitingSeconds} s.`,
    })),
  },
  {
    name: "deadLetters",
    severity: "warning",
    meaning: "Jobs failed for good and wait for somebody to decide.",
    unit: "count",
    ...{ raise: 1, clear: 0, forSeconds: 0 },
    remedy: "Read the error on the dead-letter list; mend its cause and send the job again, or discard it.",
    measure: ofEachQueue(({ name, dead }) => ({
      value: dead,
      says: `${name}: ${dead} dead, to be retried or discarded.`,
    })),
  },
  {
    name: "failureRate",
    severity: "warning",
    meaning: "A large part of the tries fails.",
    unit: "percent",
    ...{ raise: 20, clear: 5, forSeconds: 60 },
    remedy:
      "Look for “job failed” in the worker's log: one error repeated means a service it needs, or the last release.",
    measure: ofEachQueue(failing, isNotMail),
  },
  {
    name: "mailsFail",
    severity: "critical",
    meaning: "A large part of the mails is not taken by the mail server.",
    unit: "percent",
    ...{ raise: 20, clear: 5, forSeconds: 30 },
    remedy:
      "See whether the mail server of SMTP_URL answers and accepts our log-in; send the dead letters of the queue again afterwards.",
    measure: ofEachQueue(failing, isMail),
  },
  {
    name: "mailsSlow",
    severity: "warning",
    meaning: "The mail server takes seconds for a mail.",
    unit: "seconds",
    ...{ raise: 5, clear: 2, forSeconds: 60 },
    remedy:
      "Ask whoever runs the mail server of SMTP_URL whether it holds our mails back; lower MAIL_PER_SECOND if it does.",
    measure: ofEachQueue(slow, isMail),
  },
  {
    name: "jobsSlow",
    severity: "warning",
    meaning: "Jobs run much longer than they should.",
    unit: "seconds",
    ...{ raise: 30, clear: 15, forSeconds: 60 },
    subjects: {
      user: { raise: 900, clear: 600 }, // an import of thousands of people
      transcode: { raise: 14_400, clear: 10_800 },
      video: { raise: 300, clear: 120 },
    },
    remedy: "See what they wait for: PostgreSQL's slow statements, the worker's connections and cores.",
    measure: ofEachQueue(slow, isNotMail),
  },
  {
    name: "jobStalled",
    severity: "warning",
    meaning: "A worker stopped renewing its jobs: it died, or its event loop was blocked. Another has taken them over.",
    unit: "count",
    ...{ raise: 1, clear: 0, forSeconds: 0 },
    remedy: "See whether a worker was killed or starved of CPU; a job that stalls again and again kills its workers.",
    measure: ofEachQueue(({ name, stalledPerMinute }) => ({
      value: stalledPerMinute > 0 ? Math.ceil(stalledPerMinute) : 0,
      says: `${name}: jobs lost their worker in the last five minutes.`,
    })),
  },
  {
    name: "scheduleMissed",
    severity: "warning",
    meaning: "A job that should start by itself did not.",
    unit: "yes or no",
    ...{ raise: 1, clear: 0, forSeconds: 60 },
    remedy: "See whether workers run and the queue is not paused; a restarted worker puts lost schedules back.",
    measure: ({ schedules }) =>
      isAway(schedules)
        ? null
        : schedules.map(({ queue, job, isLate, nextAt }) => ({
            subject: `${queue}/${job}`,
            value: yes(isLate),
            says: `${queue}: ${job} is late, ${nextAt ? `due since ${nextAt}` : "not scheduled"}.`,
          })),
  },
];
