-- What an exam is graded by besides its pinned questions: floors, treatments, corrected keys.
CREATE TYPE "Treatment" AS ENUM ('NORMAL', 'FULL_MARKS', 'DROPPED', 'BONUS');
CREATE TYPE "RegradingState" AS ENUM ('CALCULATING', 'CALCULATED', 'APPLYING', 'APPLIED', 'UNDONE', 'FAILED');

ALTER TABLE "exams" ADD COLUMN "floor" DECIMAL(12,4) DEFAULT 0, ADD COLUMN "policy_number" INTEGER NOT NULL DEFAULT 0;
ALTER TABLE "exam_sections" ADD COLUMN "floor" DECIMAL(12,4);
ALTER TABLE "exam_questions" ADD COLUMN "grading_version_id" UUID, ADD COLUMN "treatment" "Treatment" NOT NULL DEFAULT 'NORMAL';
ALTER TABLE "exam_analyses" ADD COLUMN "policy_number" INTEGER NOT NULL DEFAULT 0;

CREATE TABLE "regradings" (
    "id" UUID NOT NULL,
    "exam_id" UUID NOT NULL,
    "actor_id" UUID NOT NULL,
    "reason" TEXT NOT NULL,
    "state" "RegradingState" NOT NULL,
    "corrections" JSONB NOT NULL,
    "policy_number" INTEGER NOT NULL,
    "undoes_id" UUID,
    "job_id" UUID NOT NULL,
    "summary" JSONB,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "applied_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "regradings_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "regrading_entries" (
    "regrading_id" UUID NOT NULL,
    "attempt_id" UUID NOT NULL,
    "position" INTEGER,
    "score_before" DECIMAL(12,4) NOT NULL,
    "score_after" DECIMAL(12,4) NOT NULL,
    "max_score_before" DECIMAL(12,4) NOT NULL,
    "max_score_after" DECIMAL(12,4) NOT NULL,
    "passed_before" BOOLEAN,
    "passed_after" BOOLEAN,

    CONSTRAINT "regrading_entries_pkey" PRIMARY KEY ("regrading_id","attempt_id")
);

CREATE INDEX "exam_questions_grading_version_id_idx" ON "exam_questions"("grading_version_id");
CREATE UNIQUE INDEX "regradings_undoes_id_key" ON "regradings"("undoes_id");
CREATE INDEX "regradings_exam_id_id_idx" ON "regradings"("exam_id", "id");
CREATE INDEX "regradings_actor_id_id_idx" ON "regradings"("actor_id", "id");
CREATE UNIQUE INDEX "regrading_entries_regrading_id_position_key" ON "regrading_entries"("regrading_id", "position");
CREATE INDEX "regrading_entries_attempt_id_idx" ON "regrading_entries"("attempt_id");

ALTER TABLE "exam_questions" ADD CONSTRAINT "exam_questions_grading_version_id_fkey" FOREIGN KEY ("grading_version_id") REFERENCES "question_versions"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "regradings" ADD CONSTRAINT "regradings_exam_id_fkey" FOREIGN KEY ("exam_id") REFERENCES "exams"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "regradings" ADD CONSTRAINT "regradings_actor_id_fkey" FOREIGN KEY ("actor_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "regradings" ADD CONSTRAINT "regradings_undoes_id_fkey" FOREIGN KEY ("undoes_id") REFERENCES "regradings"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "regrading_entries" ADD CONSTRAINT "regrading_entries_regrading_id_fkey" FOREIGN KEY ("regrading_id") REFERENCES "regradings"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "regrading_entries" ADD CONSTRAINT "regrading_entries_attempt_id_fkey" FOREIGN KEY ("attempt_id") REFERENCES "attempts"("id") ON DELETE CASCADE ON UPDATE CASCADE;
