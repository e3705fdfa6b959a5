-- What the answers to an exam say about its questions, as of the last analysis.
CREATE TABLE "exam_analyses" (
    "exam_id" UUID NOT NULL,
    "attempts_used" TEXT NOT NULL,
    "analysed_at" TIMESTAMPTZ(3) NOT NULL,
    -- When the newest attempt in it was graded; later ones make it out of date.
    "graded_until" TIMESTAMPTZ(3),
    "result" JSONB NOT NULL,
    CONSTRAINT "exam_analyses_pkey" PRIMARY KEY ("exam_id"),
    CONSTRAINT "exam_analyses_exam_id_fkey" FOREIGN KEY ("exam_id") REFERENCES "exams"("id") ON DELETE CASCADE ON UPDATE CASCADE
);
