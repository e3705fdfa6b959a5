import { readdirSync, readFileSync } from "node:fs";
import { questionTypes } from "../domain/questionTypes.ts";

const folder = new URL("./typeDefs/", import.meta.url);

/** The schema's source: the files of `typeDefs/`, and the enum of question types, which the domain's list alone decides. */
export function loadTypeDefs(): string {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".graphql"))
    .sort((a, b) => Number(b === "base.graphql") - Number(a === "base.graphql") || a.localeCompare(b));
  const values = Object.values(questionTypes).map(
    ({ name, description }) => `  ${JSON.stringify(description)}\n  ${name}`,
  );
  const questionTypeEnum = `"How a question is asked and graded."\nenum QuestionType {\n${values.join("\n")}\n}`;
  return [...files.map((name) => readFileSync(new URL(name, folder), "utf8")), questionTypeEnum].join("\n");
}
