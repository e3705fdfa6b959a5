import { readdirSync, readFileSync } from "node:fs";
import { questionFormats } from "../domain/exchange/questionFormats.ts";
import { questionTypes } from "../domain/questionTypes.ts";

const folder = new URL("./typeDefs/", import.meta.url);

/** The schema's source: the files of `typeDefs/`, and the enums that lists of the domain alone decide. */
export function loadTypeDefs(): string {
  const files = readdirSync(folder)
    .filter((name) => name.endsWith(".graphql"))
    .sort((a, b) => Number(b === "base.graphql") - Number(a === "base.graphql") || a.localeCompare(b));
  return [
    ...files.map((name) => readFileSync(new URL(name, folder), "utf8")),
    enumOf("QuestionType", "How a question is asked and graded.", Object.values(questionTypes)),
    enumOf(
      "QuestionFileFormat",
      "A format of files that questions come from and go to.",
      Object.values(questionFormats),
    ),
  ].join("\n");
}

function enumOf(name: string, description: string, list: readonly { name: string; description: string }[]): string {
  const values = list.map((value) => `  ${JSON.stringify(value.description)}\n  ${value.name}`);
  return `${JSON.stringify(description)}\nenum ${name} {\n${values.join("\n")}\n}`;
}
