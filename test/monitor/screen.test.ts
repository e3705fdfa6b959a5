import { describe, expect, it } from "@jest/globals";
import { checkLine, unknownLine } from "../../src/monitor/modes/check.ts";
import { exitCodeOf, problemsOf } from "../../src/monitor/problems.ts";
import { fitHeight, render, renderLine } from "../../src/monitor/render.ts";
import type { ProcessFigures, QueueFigures, Snapshot } from "../../src/monitor/snapshot.ts";

const exam: QueueFigures = {
  name: "exam",
  waiting: 12,
  active: 3,
  delayed: 480,
  failed: 1,
  dead: 0,
  completed: 1234,
  completedPerMinute: 20.4,
  failedPerMinute: 0.2,
  stalledPerMinute: 0,
  wait: { p50: 12, p95: 140, p99: 900 },
  run: { p50: 31, p95: 44, p99: 1_800 },
  oldestWaitingSeconds: 4,
  workers: 2,
  isPaused: false,
};
const idle: QueueFigures = {
  ...exam,
  name: "system",
  waiting: 0,
  active: 0,
  delayed: 0,
  failed: 0,
  completed: 0,
  completedPerMinute: 0,
  failedPerMinute: 0,
  wait: null,
  run: null,
  oldestWaitingSeconds: null,
};
const server: ProcessFigures = {
  program: "server",
  id: "1",
  host: "web-1",
  pid: 4211,
  startedAt: "2026-11-20T06:00:00.000Z",
  seenAt: "2026-11-20T08:59:58.000Z",
  eventLoopDelayP99Ms: 0.3,
  pool: { max: 12, open: 5, busy: 3, waiting: 0 },
  cache: { hits: 931, misses: 69 },
};
const healthy: Snapshot = {
  takenAt: "2026-11-20T09:00:00.000Z",
  queues: [exam, idle],
  outbox: { waiting: 0, oldestSeconds: null },
  redis: {
    version: "7.0.15",
    usedMemoryBytes: 3_145_728,
    maxMemoryBytes: null,
    maxMemoryPolicy: "noeviction",
    appendOnly: "on",
    evictedKeys: 0,
  },
  processes: [server],
  cache: { hitRate: 0.931 },
  schedules: [
    {
      queue: "system",
      job: "pruneOutbox",
      everyMs: null,
      cron: "17 * * * *",
      nextAt: "2026-11-20T09:17:00.000Z",
      lastFinishedAt: null,
      isLate: false,
    },
  ],
};
const away = { away: "connect ECONNREFUSED" };
const allAway: Snapshot = {
  ...healthy,
  queues: away,
  outbox: away,
  redis: away,
  processes: away,
  cache: { hitRate: null },
  schedules: away,
};

describe("the table", () => {
  it("shows all there is to see in 80 columns, the times in a second block", () => {
    expect(render(healthy, 80)).toBe(
      [
        "Lectern  2026-11-20 09:00:00 UTC  OK",
        "",
        "queue   waiting  active  delayed  failed  dead  done/min  oldest  workers",
        "exam         12       3      480       1     0      20.4     4 s        2",
        "system        0       0        0       0     0         0       -        2",
        "",
        "queue   wait p50     p95     p99  run p50    p95    p99  fail/min  lost/min",
        "exam       12 ms  140 ms  900 ms    31 ms  44 ms  1.8 s       0.2         0",
        "system         -       -       -        -      -      -         0         0",
        "",
        "outbox    empty",
        "redis     7.0.15, 3.0 MB of no limit, noeviction, append-only file on, 0 evicted",
        "cache     93.1 % hits",
        "database  3 connections busy, 5 open of 12; 0 queries wait for one",
        "schedules 1, all on time",
        "",
        "process   host   pid     up  seen  loop p99  pool    hits",
        "server   web-1  4211  3.0 h   2 s    0.3 ms  3/12  93.1 %",
      ].join("\n"),
    );
  });

  const huge: QueueFigures = {
    name: "transcode",
    waiting: 123_456_789,
    active: 9_999_999,
    delayed: 88_888_888_888,
    failed: 1_234_567,
    dead: 1_234_567,
    completed: 12_345_678_901,
    completedPerMinute: 99_999.9,
    failedPerMinute: 99_999.9,
    stalledPerMinute: 99_999.9,
    wait: { p50: 86_400_000, p95: 864_000_000, p99: 86_400_000_000 },
    run: { p50: 5_999_000, p95: 86_399_000, p99: 8_640_000_000 },
    oldestWaitingSeconds: 31_536_000,
    workers: 100_000,
    isPaused: true,
  };
  const overwhelmed: Snapshot = {
    ...healthy,
    queues: [huge, exam],
    outbox: { waiting: 123_456_789, oldestSeconds: 31_536_000 },
    redis: {
      version: "255.255.255-rc1",
      usedMemoryBytes: 9e14,
      maxMemoryBytes: 9e14,
      maxMemoryPolicy: "volatile-random",
      appendOnly: "failing",
      evictedKeys: Number.MAX_SAFE_INTEGER,
    },
    processes: Array.from({ length: 40 }, () => ({
      ...server,
      host: "ip-10-123-123-123.eu-central-1.compute.internal",
      pid: 4_194_304,
      eventLoopDelayP99Ms: 123_456,
      pool: { max: 10_000, open: 10_000, busy: 10_000, waiting: 1e9 },
    })),
  };

  it.each([80, 100, 120, 200])(
    "fits into %i columns, however large the numbers, and leaves none of them out",
    (width) => {
      for (const snapshot of [healthy, overwhelmed, allAway]) {
        for (const line of render(snapshot, width).split("\n")) expect(line.length).toBeLessThanOrEqual(width);
      }
      const text = render(overwhelmed, width);
      for (const shown of [
        "123M",
        "89G",
        "paused 100k",
        "365 d",
        "1000 d",
        "lost/min",
        "9.0P evicted",
        "10000/10000",
        "and 28 more",
      ])
        expect(text).toContain(shown);
    },
  );

  it("is never wider than a window that is narrower still", () => {
    for (const width of [20, 30, 40, 60]) {
      for (const line of render(overwhelmed, width).split("\n")) expect(line.length).toBeLessThanOrEqual(width);
    }
    expect(render(healthy, 40)).toContain("queue   waiting  active  delayed  failed\n");
  });

  it("puts all columns side by side where there is room", () => {
    expect(render(healthy, 200)).toMatch(/^queue .*workers .*wait p50 .*run p50 .*lost\/min$/m);
  });

  it("shows problems first, and says what a low window leaves out", () => {
    const lines = [..."abcdefg"].map((text) => [{ text }]);
    const told = fitHeight([...lines.slice(0, 3), [], ...lines.slice(3)], 5).map((line) =>
      line.map(({ text }) => text).join(""),
    );
    expect(told).toEqual(["a", "b", "c", "d", "… 3 more lines in a taller window"]);
    expect(fitHeight([[], ...lines], 7)).toEqual(lines);
    const text = render({ ...healthy, queues: [{ ...exam, dead: 2 }] }, 80).split("\n");
    expect(text.slice(0, 2)).toEqual([
      "Lectern  2026-11-20 09:00:00 UTC  WARNING",
      "! exam: 2 dead, to be retried or discarded.",
    ]);
  });

  it("has colours only where they are asked for, and says nothing by colour alone", () => {
    const coloured = render(overwhelmed, 80, { isColoured: true });
    expect(coloured).toContain("\u001b[1;31mCRITICAL\u001b[0m");
    // biome-ignore lint/suspicious/noControlCharactersInRegex: colours are control codes
    expect(coloured.replace(/\u001b\[[\d;]+m/g, "").replace(/ +$/gm, "")).toBe(render(overwhelmed, 80));
  });

  it("lets nobody's host name steer the terminal", () => {
    const processes = [{ ...server, host: "\u001b]0;owned\u0007" }];
    const text = render({ ...healthy, processes }, 80, { isColoured: true });
    for (const code of ["\u001b]", "\u0007"]) expect(text).not.toContain(code);
  });

  it("says what is away instead of zeros", () => {
    const text = render(allAway, 120);
    expect(text).toContain("queues    unknown");
    expect(text).toContain("outbox    unknown: PostgreSQL is away");
    expect(text).toContain("! Redis is away: connect ECONNREFUSED");
    expect(text.replace(/.*UTC/, "")).not.toMatch(/\b0\b/);
  });

  it("is one line for a stream of logs", () => {
    const figures = [exam, { ...idle, workers: 0 }];
    expect(renderLine({ ...healthy, queues: figures, outbox: { waiting: 5, oldestSeconds: 7 } })).toBe(
      "exam 12 waiting, 3 active, 480 delayed · system no workers · outbox 5 waiting, the oldest for 7 s · redis 3.0 MB",
    );
  });
});

describe("problems", () => {
  const redis = healthy.redis as object;
  it.each([
    ["dead jobs", 1, { queues: [{ ...exam, dead: 2 }] }, "exam: 2 dead, to be retried or discarded."],
    ["no workers", 2, { queues: [{ ...exam, workers: 0 }] }, "exam: no workers."],
    ["a paused queue", 1, { queues: [{ ...exam, isPaused: true }] }, "exam: paused."],
    ["a job that waits", 1, { queues: [{ ...exam, oldestWaitingSeconds: 90 }] }, "exam: a job waits for 90 s."],
    [
      "workers that die",
      1,
      { queues: [{ ...exam, stalledPerMinute: 0.2 }] },
      "exam: jobs lost their worker in the last five minutes.",
    ],
    [
      "an outbox nobody empties",
      2,
      { outbox: { waiting: 1, oldestSeconds: 61 } },
      "Jobs wait in the outbox for 61 s: no worker hands them over.",
    ],
    [
      "a policy that evicts",
      1,
      { redis: { ...redis, maxMemoryPolicy: "allkeys-lru" } },
      "Redis may throw jobs away: maxmemory-policy is allkeys-lru, not noeviction.",
    ],
    [
      "no append-only file",
      1,
      { redis: { ...redis, appendOnly: "off" } },
      "Redis forgets jobs when it restarts: appendonly is off.",
    ],
    [
      "an append-only file that is not written",
      2,
      { redis: { ...redis, appendOnly: "failing" } },
      "Redis cannot write its append-only file.",
    ],
    [
      "a schedule that does not run",
      1,
      { schedules: [{ ...(healthy.schedules as object[])[0], isLate: true }] },
      "system: pruneOutbox is late, due since 2026-11-20T09:17:00.000Z.",
    ],
    ["PostgreSQL", 2, { outbox: away }, "PostgreSQL is away: connect ECONNREFUSED"],
    ["queues that cannot be read", 2, { queues: away }, "The queues cannot be read: connect ECONNREFUSED"],
  ])("name %s, with exit code %i", (_what, exitCode, change, problem) => {
    const snapshot = { ...healthy, ...change } as Snapshot;
    expect(problemsOf(snapshot)).toEqual([problem]);
    expect(exitCodeOf(snapshot)).toBe(exitCode);
  });

  it("are none when all is well", () => {
    expect(problemsOf(healthy)).toEqual([]);
    expect(exitCodeOf(healthy)).toBe(0);
  });
});

describe("the line for Nagios", () => {
  it("gives the state, and the figures behind the bar", () => {
    expect(checkLine({ ...healthy, queues: [exam] })).toBe(
      "LECTERN OK - 1 queues, 12 waiting, 3 active | exam_waiting=12;;;0 exam_active=3;;;0 exam_delayed=480;;;0 exam_dead=0;;;0 " +
        "exam_done_per_minute=20.4;;;0 exam_oldest=4s;;;0 exam_wait_p95=140ms;;;0 exam_run_p95=44ms;;;0 exam_workers=2;;;0 " +
        "outbox_waiting=0;;;0 outbox_oldest=0s;;;0 redis_memory=3145728B;;;0 cache_hits=93.1%;;;0",
    );
  });

  it("names the worst first, in one line that has no bar of its own", () => {
    expect(checkLine({ ...allAway, redis: { away: "a | b\nc" } })).toBe(
      "LECTERN CRITICAL - Redis is away: a / b c PostgreSQL is away: connect ECONNREFUSED",
    );
    expect(unknownLine("The configuration:\n  A is | missing.")).toBe(
      "LECTERN UNKNOWN - The configuration: A is / missing.",
    );
  });
});
