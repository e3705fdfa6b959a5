-- What a person gets in every exam.
ALTER TABLE "users" ADD COLUMN "extra_time_percent" INTEGER NOT NULL DEFAULT 0,
                    ADD COLUMN "extra_minutes" INTEGER NOT NULL DEFAULT 0;
-- What the deadline of an attempt is made of. Servers of the release before go on inserting without it.
ALTER TABLE "attempts" ADD COLUMN "extra_time_percent" INTEGER NOT NULL DEFAULT 0,
                       ADD COLUMN "extra_minutes" INTEGER NOT NULL DEFAULT 0,
                       ADD COLUMN "credit_seconds" INTEGER NOT NULL DEFAULT 0;
