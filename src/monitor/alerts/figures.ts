import type { Away, OutboxFigures, QueueFigures as QueueCounts, RedisFigures as RedisState } from "../snapshot.ts";

export interface Percentiles {
  p50: number;
  p95: number;
  p99: number;
}
export interface QueueFigures extends QueueCounts {
  completedPerMinute: number;
  failedPerMinute: number;
  stalledPerMinute: number;
  wait: Percentiles | null;
  run: Percentiles | null;
}
export interface RedisFigures extends RedisState {
  evictedKeys: number;
}
export interface ScheduleFigures {
  queue: string;
  job: string;
  everyMs: number | null;
  cron: string | null;
  nextAt: string | null;
  lastFinishedAt: string | null;
  isLate: boolean;
}
export interface Snapshot {
  takenAt: string;
  queues: QueueFigures[] | Away;
  outbox: OutboxFigures | Away;
  redis: RedisFigures | Away;
  schedules: ScheduleFigures[] | Away;
  processes: unknown[] | Away;
  cache: { hitRate: number | null };
}
export const isAway = (part: object): part is Away => "away" in part;
