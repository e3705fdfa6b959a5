// Writes schema.graphql: the whole API in one file, for readers and for the tools of front ends.
import { writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { buildSchema, printSchema } from "graphql";
import { loadTypeDefs } from "../src/apollo/typeDefs.ts";

/** The schema as `schema.graphql` holds it. */
export const printedSchema = (): string => `${printSchema(buildSchema(loadTypeDefs()))}\n`;

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href)
  writeFileSync(new URL("../schema.graphql", import.meta.url), printedSchema());
