-- What the course's instructors were last told of an exam's analyses, so that they are told again only of what is new.
ALTER TABLE "exam_analyses"
    ADD COLUMN "told_at" TIMESTAMPTZ(3),
    ADD COLUMN "told_question_ids" UUID[] NOT NULL DEFAULT ARRAY[]::UUID[];
