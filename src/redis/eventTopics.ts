/** Every event there is, and which one of its topics a payload belongs to: whoever listens names that topic. */
export const EVENT_TOPICS = {
  attemptChanged: ({ attemptId }: { attemptId: string }) => attemptId,
  examAnalysisChanged: ({ examId }: { examId: string }) => examId,
  jobChanged: ({ queue, jobId }: { queue: string; jobId: string }) => `${queue}:${jobId}`,
  videoChanged: ({ videoId }: { videoId: string }) => videoId,
  /** Without `run`, of all its processings. */
  videoCancelled: ({ videoId }: { videoId: string; run?: number }) => videoId,
};

export type EventName = keyof typeof EVENT_TOPICS;
export type EventPayload<E extends EventName> = Parameters<(typeof EVENT_TOPICS)[E]>[0];
