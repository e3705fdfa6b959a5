-- What of a result is shown in which phase, when results are released, what grade a score gives, and which attempts count.
-- The defaults are what every exam did before, so servers of the release before go on inserting without them.
CREATE TYPE "ReviewPart" AS ENUM ('RESPONSE', 'CORRECTNESS', 'MARK', 'KEY', 'FEEDBACK');
CREATE TYPE "AttemptGrading" AS ENUM ('BEST', 'MEAN', 'FIRST', 'LAST');
CREATE TYPE "ResultFileFormat" AS ENUM ('CSV', 'JSON');
CREATE TYPE "ResultFileDetail" AS ENUM ('ATTEMPTS', 'QUESTIONS');

ALTER TABLE "exams" ADD COLUMN "results_release_at" TIMESTAMPTZ(3),
                    ADD COLUMN "results_withdrawn_at" TIMESTAMPTZ(3),
                    ADD COLUMN "review_during" "ReviewPart"[] DEFAULT ARRAY[]::"ReviewPart"[],
                    ADD COLUMN "review_after_submission" "ReviewPart"[] DEFAULT ARRAY['RESPONSE', 'CORRECTNESS', 'MARK', 'FEEDBACK']::"ReviewPart"[],
                    ADD COLUMN "review_after_close" "ReviewPart"[] DEFAULT ARRAY['RESPONSE', 'CORRECTNESS', 'MARK', 'FEEDBACK']::"ReviewPart"[],
                    ADD COLUMN "grade_scale" JSONB NOT NULL DEFAULT '[]',
                    ADD COLUMN "attempt_grading" "AttemptGrading" NOT NULL DEFAULT 'BEST';

-- Files of results that a job makes for staff.
CREATE TABLE "result_files" (
    "id" UUID NOT NULL,
    "actor_id" UUID NOT NULL,
    "exam_id" UUID NOT NULL,
    "format" "ResultFileFormat" NOT NULL,
    "detail" "ResultFileDetail" NOT NULL,
    "job_id" UUID NOT NULL,
    "run" UUID,
    "rows" INTEGER,
    "failure" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "result_files_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "result_file_pieces" (
    "file_id" UUID NOT NULL,
    "run" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "bytes" BYTEA NOT NULL,

    CONSTRAINT "result_file_pieces_pkey" PRIMARY KEY ("file_id","run","number")
);

CREATE INDEX "result_files_actor_id_id_idx" ON "result_files"("actor_id", "id");
CREATE INDEX "result_files_exam_id_idx" ON "result_files"("exam_id");
CREATE INDEX "result_files_expires_at_idx" ON "result_files"("expires_at");

ALTER TABLE "result_files" ADD CONSTRAINT "result_files_actor_id_fkey" FOREIGN KEY ("actor_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "result_files" ADD CONSTRAINT "result_files_exam_id_fkey" FOREIGN KEY ("exam_id") REFERENCES "exams"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "result_file_pieces" ADD CONSTRAINT "result_file_pieces_file_id_fkey" FOREIGN KEY ("file_id") REFERENCES "result_files"("id") ON DELETE CASCADE ON UPDATE CASCADE;
