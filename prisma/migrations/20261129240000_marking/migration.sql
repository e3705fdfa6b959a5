-- The marking queue: who has which response to mark, what was marked, and how to find what waits.
ALTER TABLE "answers" ADD COLUMN "rubric" JSONB;

CREATE TYPE "MarkSource" AS ENUM ('KEY', 'PERSON');

CREATE TABLE "response_claims" (
    "id" UUID NOT NULL DEFAULT gen_random_uuid(),
    "attempt_id" UUID NOT NULL,
    "question_version_id" UUID NOT NULL,
    "claimed_by_id" UUID,
    "claimed_until" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "response_claims_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "response_claims_attempt_id_question_version_id_key" ON "response_claims"("attempt_id", "question_version_id");
CREATE INDEX "response_claims_claimed_by_id_idx" ON "response_claims"("claimed_by_id");
ALTER TABLE "response_claims" ADD CONSTRAINT "response_claims_attempt_id_question_version_id_fkey" FOREIGN KEY ("attempt_id", "question_version_id") REFERENCES "answers"("attempt_id", "question_version_id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "answer_marks" (
    "id" UUID NOT NULL,
    "attempt_id" UUID NOT NULL,
    "question_version_id" UUID NOT NULL,
    "points" DECIMAL(12,4),
    "rubric" JSONB,
    "feedback" TEXT,
    "reason" TEXT,
    "replaced_points" DECIMAL(12,4),
    "replaced_source" "MarkSource",
    "marked_by_id" UUID NOT NULL,
    "marked_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "answer_marks_pkey" PRIMARY KEY ("id")
);
CREATE INDEX "answer_marks_attempt_id_question_version_id_marked_at_idx" ON "answer_marks"("attempt_id", "question_version_id", "marked_at");
ALTER TABLE "answer_marks" ADD CONSTRAINT "answer_marks_attempt_id_question_version_id_fkey" FOREIGN KEY ("attempt_id", "question_version_id") REFERENCES "answers"("attempt_id", "question_version_id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What waits for a person: graded by the key, which had nothing to say. In an order that depends on nothing but chance; saves never touch it.
CREATE INDEX "answers_waiting_idx" ON "answers"("question_version_id", sha256(("attempt_id"::text || "question_version_id"::text)::bytea))
    WHERE "points" IS NULL AND "graded_at" IS NOT NULL;
CREATE INDEX "answers_marked_idx" ON "answers"("question_version_id") WHERE "graded_by_id" IS NOT NULL;

-- The marks that stand now are the beginning of their history.
INSERT INTO "answer_marks" ("id", "attempt_id", "question_version_id", "points", "feedback", "marked_by_id", "marked_at")
SELECT gen_random_uuid(), "attempt_id", "question_version_id", "points", "feedback", "graded_by_id", "graded_at"
FROM "answers" WHERE "graded_by_id" IS NOT NULL AND "points" IS NOT NULL AND "graded_at" IS NOT NULL;
