-- From which addresses an exam may be taken, which log-in an attempt belongs to, and all that happened to it.
ALTER TABLE "exams" ADD COLUMN "allowed_addresses" TEXT[] DEFAULT ARRAY[]::TEXT[];
ALTER TABLE "attempts" ADD COLUMN "session_id" UUID;

CREATE TYPE "AttemptEventKind" AS ENUM ('STARTED', 'TAKEN_OVER', 'VIEWED', 'SAVED', 'SAVE_REFUSED', 'FILE_ADDED', 'FILE_REMOVED', 'ADDRESS_REFUSED', 'SUBMITTED', 'EXPIRED', 'EXTENDED', 'PAUSED', 'RESUMED', 'STOPPED', 'MARKED', 'REGRADED');

CREATE TABLE "attempt_events" (
    "id" BIGSERIAL NOT NULL,
    "attempt_id" UUID NOT NULL,
    "at" TIMESTAMPTZ(3) NOT NULL DEFAULT clock_timestamp(),
    "kind" "AttemptEventKind" NOT NULL,
    "actor_id" UUID,
    "session_id" UUID,
    "address" TEXT,
    "user_agent" TEXT,
    "detail" JSONB,

    CONSTRAINT "attempt_events_pkey" PRIMARY KEY ("attempt_id","at","id")
);
