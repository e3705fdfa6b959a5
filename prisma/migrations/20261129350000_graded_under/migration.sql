-- Under which of its exam's policies an attempt was graded: what is shown of it while a regrading goes through the exam.
-- Asked only then; whatever was graded before has a lower number than the policy that comes next, so 0 is right for all of it.
ALTER TABLE "attempts" ADD COLUMN "policy_number" INTEGER NOT NULL DEFAULT 0;
