-- Exams go into files and come out of them, and a section may say itself whether its questions are shuffled.
ALTER TABLE "exam_sections" ADD COLUMN "shuffle_questions" BOOLEAN;

ALTER TABLE "question_files" ADD COLUMN "exam_id" UUID,
                             ADD COLUMN "create_exams" BOOLEAN NOT NULL DEFAULT false;
CREATE INDEX "question_files_exam_id_idx" ON "question_files"("exam_id");
ALTER TABLE "question_files" ADD CONSTRAINT "question_files_exam_id_fkey" FOREIGN KEY ("exam_id") REFERENCES "exams"("id") ON DELETE CASCADE ON UPDATE CASCADE;

ALTER TABLE "question_file_entries" ADD COLUMN "exam_id" UUID;
