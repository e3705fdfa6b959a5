-- Where the trace of what asked for a job goes on.
ALTER TABLE "outbox_jobs" ADD COLUMN "traceparent" TEXT;
