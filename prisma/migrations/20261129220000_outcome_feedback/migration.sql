-- What is said to a right, a partly right and a wrong answer; null for questions that say nothing of the kind.
ALTER TABLE "question_versions" ADD COLUMN "outcome_feedback" JSONB;
