-- When the clock of an attempt stands still, and how long it stood.
ALTER TABLE "attempts" ADD COLUMN "paused_seconds" INTEGER NOT NULL DEFAULT 0,
                       ADD COLUMN "paused_at" TIMESTAMPTZ(3);
