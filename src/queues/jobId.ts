const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** Whether a job came through the outbox: its id is its row's. Runs of schedules have ids of another form and no row. */
export const isFromOutbox = (jobId: string): boolean => uuid.test(jobId);
