-- Groups of a course.
CREATE TABLE "course_groups" (
    "id" UUID NOT NULL,
    "course_id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "course_groups_pkey" PRIMARY KEY ("id")
);
CREATE UNIQUE INDEX "course_groups_course_id_name_key" ON "course_groups"("course_id", "name");
ALTER TABLE "course_groups" ADD CONSTRAINT "course_groups_course_id_fkey" FOREIGN KEY ("course_id") REFERENCES "courses"("id") ON DELETE CASCADE ON UPDATE CASCADE;

CREATE TABLE "course_group_members" (
    "group_id" UUID NOT NULL,
    "user_id" UUID NOT NULL,

    CONSTRAINT "course_group_members_pkey" PRIMARY KEY ("group_id","user_id")
);
CREATE INDEX "course_group_members_user_id_idx" ON "course_group_members"("user_id");
ALTER TABLE "course_group_members" ADD CONSTRAINT "course_group_members_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "course_groups"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "course_group_members" ADD CONSTRAINT "course_group_members_user_id_fkey" FOREIGN KEY ("user_id") REFERENCES "users"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- What an exam gives beyond its rules is for a person or for a group. Servers of the release before go on writing rows of people:
-- they name no id, and their upsert finds the same two columns unique.
ALTER TABLE "exam_accommodations" ADD COLUMN "id" UUID NOT NULL DEFAULT gen_random_uuid(),
                                  ADD COLUMN "group_id" UUID,
                                  ADD COLUMN "extra_time_percent" INTEGER NOT NULL DEFAULT 0,
                                  DROP CONSTRAINT "exam_accommodations_pkey",
                                  ALTER COLUMN "user_id" DROP NOT NULL,
                                  ADD CONSTRAINT "exam_accommodations_pkey" PRIMARY KEY ("id"),
                                  ADD CONSTRAINT "exam_accommodations_one_subject" CHECK (num_nonnulls("user_id", "group_id") = 1);
CREATE UNIQUE INDEX "exam_accommodations_exam_id_user_id_key" ON "exam_accommodations"("exam_id", "user_id");
CREATE UNIQUE INDEX "exam_accommodations_exam_id_group_id_key" ON "exam_accommodations"("exam_id", "group_id");
CREATE INDEX "exam_accommodations_group_id_idx" ON "exam_accommodations"("group_id");
ALTER TABLE "exam_accommodations" ADD CONSTRAINT "exam_accommodations_group_id_fkey" FOREIGN KEY ("group_id") REFERENCES "course_groups"("id") ON DELETE CASCADE ON UPDATE CASCADE;
