-- Folders, difficulty, archive and search of the question bank; draws from folders and by difficulty.
CREATE TYPE "Difficulty" AS ENUM ('EASY', 'MEDIUM', 'HARD');

CREATE TABLE "question_folders" (
    "id" UUID NOT NULL,
    "course_id" UUID NOT NULL,
    "parent_id" UUID,
    "name" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "question_folders_pkey" PRIMARY KEY ("id")
);

CREATE INDEX "question_folders_course_id_idx" ON "question_folders"("course_id");
CREATE INDEX "question_folders_parent_id_idx" ON "question_folders"("parent_id");
CREATE UNIQUE INDEX "question_folders_siblings_key" ON "question_folders"("course_id", COALESCE("parent_id", "course_id"), lower("name"));

ALTER TABLE "question_folders" ADD CONSTRAINT "question_folders_course_id_fkey" FOREIGN KEY ("course_id") REFERENCES "courses"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "question_folders" ADD CONSTRAINT "question_folders_parent_id_fkey" FOREIGN KEY ("parent_id") REFERENCES "question_folders"("id") ON DELETE NO ACTION ON UPDATE CASCADE;

ALTER TABLE "questions" ADD COLUMN     "archived_at" TIMESTAMPTZ(3),
ADD COLUMN     "difficulty" "Difficulty",
ADD COLUMN     "folder_id" UUID;

ALTER TABLE "question_versions" ADD COLUMN     "search_words" TEXT[];

ALTER TABLE "exam_sections" ADD COLUMN     "draw_difficulty" "Difficulty",
ADD COLUMN     "draw_folder_id" UUID;

ALTER TABLE "question_files" ADD COLUMN     "folder_id" UUID;

CREATE INDEX "questions_folder_id_idx" ON "questions"("folder_id");
CREATE INDEX "exam_sections_draw_folder_id_idx" ON "exam_sections"("draw_folder_id");
CREATE INDEX "question_files_folder_id_idx" ON "question_files"("folder_id");

ALTER TABLE "questions" ADD CONSTRAINT "questions_folder_id_fkey" FOREIGN KEY ("folder_id") REFERENCES "question_folders"("id") ON DELETE NO ACTION ON UPDATE CASCADE;
ALTER TABLE "exam_sections" ADD CONSTRAINT "exam_sections_draw_folder_id_fkey" FOREIGN KEY ("draw_folder_id") REFERENCES "question_folders"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "question_files" ADD CONSTRAINT "question_files_folder_id_fkey" FOREIGN KEY ("folder_id") REFERENCES "question_folders"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- The words of the newest versions that are there, as src/domain/searchWords.ts finds them; the next edit finds them anew.
UPDATE "question_versions" version SET "search_words" = ARRAY(
  SELECT DISTINCT left(word, 100)
  FROM (SELECT string_agg(found #>> '{}', ' ') AS words FROM unnest(ARRAY['text', 'pattern', 'regex', 'guidance', 'feedback']) AS field,
      LATERAL jsonb_path_query(version."definition", ('$.**.' || field)::jsonpath) AS found WHERE jsonb_typeof(found) = 'string') AS definition,
    LATERAL regexp_split_to_table(
      lower(regexp_replace(normalize(regexp_replace(concat_ws(' ', version."title", version."stem", definition.words), '</?[[:alpha:]][^<>]*>', ' ', 'g'), NFKD), '[\u0300-\u036f]', '', 'g')),
      '[^[:alnum:]]+') AS word
  WHERE word <> ''
)
FROM "questions" question WHERE question."id" = version."question_id" AND question."current_version" = version."number";

-- No dictionary and no parser of PostgreSQL's has a say in it, so that it does not depend on the locale of the database.
ALTER TABLE "question_versions" ADD COLUMN "search" tsvector GENERATED ALWAYS AS (array_to_tsvector("search_words")) STORED;
CREATE INDEX "question_versions_search_idx" ON "question_versions" USING GIN ("search");
