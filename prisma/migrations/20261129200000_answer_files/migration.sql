-- Files that students hand in as answers.
CREATE TABLE "answer_files" (
    "id" UUID NOT NULL,
    "attempt_id" UUID NOT NULL,
    "question_version_id" UUID NOT NULL,
    "token_hash" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "file_name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3),
    "opened_at" TIMESTAMPTZ(3),
    "finished_at" TIMESTAMPTZ(3),
    "content_type" TEXT,
    "sha256" TEXT,

    CONSTRAINT "answer_files_pkey" PRIMARY KEY ("id")
);

CREATE UNIQUE INDEX "answer_files_token_hash_key" ON "answer_files"("token_hash");
CREATE INDEX "answer_files_attempt_id_question_version_id_idx" ON "answer_files"("attempt_id", "question_version_id");
CREATE INDEX "answer_files_expires_at_idx" ON "answer_files"("expires_at");

ALTER TABLE "answer_files" ADD CONSTRAINT "answer_files_attempt_id_fkey" FOREIGN KEY ("attempt_id") REFERENCES "attempts"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "answer_files" ADD CONSTRAINT "answer_files_question_version_id_fkey" FOREIGN KEY ("question_version_id") REFERENCES "question_versions"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
