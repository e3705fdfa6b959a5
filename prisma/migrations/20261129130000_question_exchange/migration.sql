-- Files of questions that a job takes into a bank or makes of one.
CREATE TYPE "QuestionFileDirection" AS ENUM ('IMPORT', 'EXPORT');
CREATE TYPE "QuestionFileOutcome" AS ENUM ('TAKEN', 'CHANGED', 'REFUSED', 'NOTE');

CREATE TABLE "question_files" (
    "id" UUID NOT NULL,
    "actor_id" UUID NOT NULL,
    "course_id" UUID NOT NULL,
    "direction" "QuestionFileDirection" NOT NULL,
    "format" TEXT NOT NULL,
    "dry_run" BOOLEAN NOT NULL DEFAULT false,
    "tags" TEXT[],
    "tag" TEXT,
    "question_ids" UUID[],
    "job_id" UUID,
    "total" INTEGER,
    "taken" INTEGER NOT NULL DEFAULT 0,
    "changed" INTEGER NOT NULL DEFAULT 0,
    "refused" INTEGER NOT NULL DEFAULT 0,
    "failure" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finished_at" TIMESTAMPTZ(3),

    CONSTRAINT "question_files_pkey" PRIMARY KEY ("id")
);

CREATE TABLE "question_file_pieces" (
    "file_id" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "bytes" BYTEA NOT NULL,

    CONSTRAINT "question_file_pieces_pkey" PRIMARY KEY ("file_id","number")
);

CREATE TABLE "question_file_entries" (
    "file_id" UUID NOT NULL,
    "position" INTEGER NOT NULL,
    "outcome" "QuestionFileOutcome" NOT NULL,
    "line" INTEGER,
    "title" TEXT,
    "excerpt" TEXT,
    "question_id" UUID,
    "messages" TEXT[],

    CONSTRAINT "question_file_entries_pkey" PRIMARY KEY ("file_id","position")
);

CREATE INDEX "question_files_actor_id_id_idx" ON "question_files"("actor_id", "id");
CREATE INDEX "question_files_course_id_idx" ON "question_files"("course_id");
CREATE INDEX "question_files_created_at_idx" ON "question_files"("created_at");

ALTER TABLE "question_files" ADD CONSTRAINT "question_files_actor_id_fkey" FOREIGN KEY ("actor_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "question_files" ADD CONSTRAINT "question_files_course_id_fkey" FOREIGN KEY ("course_id") REFERENCES "courses"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "question_file_pieces" ADD CONSTRAINT "question_file_pieces_file_id_fkey" FOREIGN KEY ("file_id") REFERENCES "question_files"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "question_file_entries" ADD CONSTRAINT "question_file_entries_file_id_fkey" FOREIGN KEY ("file_id") REFERENCES "question_files"("id") ON DELETE CASCADE ON UPDATE CASCADE;
