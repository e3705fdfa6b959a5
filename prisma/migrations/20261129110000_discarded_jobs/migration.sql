-- AlterTable
ALTER TABLE "outbox_jobs" ADD COLUMN     "discarded_at" TIMESTAMPTZ(3);
