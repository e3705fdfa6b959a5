import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "@jest/globals";
import { z } from "zod";
import { configSchema } from "../src/config.ts";
import { printedSchema } from "../tools/printSchema.ts";

const read = (name: string) => readFileSync(new URL(`../${name}`, import.meta.url), "utf8");
const properties = z.toJSONSchema(configSchema, { io: "input", unrepresentable: "any" }).properties as Record<
  string,
  { default?: unknown }
>;
const scripts = Object.keys(JSON.parse(read("package.json")).scripts as Record<string, string>);

describe("schema.graphql", () => {
  it("is in step with the type definitions", () => {
    if (read("schema.graphql") !== printedSchema()) throw new Error("schema.graphql is old: run npm run schema");
  });
});

describe(".env.example", () => {
  /** Variables by name, also those that are commented out because they may stay unset. */
  const listed = () =>
    [...read(".env.example").matchAll(/^#?\s*([A-Z][A-Z0-9_]*)=(.*)$/gm)].map(
      ([, name, value]) => [name!, value!.trim().replace(/^(["'])(.*)\1$/, "$2")] as const,
    );

  it("lists the variables of the configuration, each once, and no others", () => {
    expect(
      listed()
        .map(([name]) => name)
        .sort(),
    ).toEqual(Object.keys(properties).sort());
  });

  it.each(Object.entries(properties).filter(([, { default: value }]) => value !== undefined))(
    "gives %s its default",
    (name, { default: value }) => {
      expect(new Map(listed()).get(name)).toBe(String(value));
    },
  );
});

describe.each(["README.md", "CONTRIBUTING.md", "ARCHITECTURE.md"])("%s", (name) => {
  it("names only npm scripts that exist", () => {
    const named = [...read(name).matchAll(/\bnpm run ([\w:-]+)/g)].map(([, script]) => script!);
    expect(named.filter((script) => !scripts.includes(script))).toEqual([]);
  });

  it("links only to files that exist", () => {
    const links = [...read(name).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)/g)].map(([, target]) => target!);
    expect(links.filter((target) => !existsSync(new URL(`../${target}`, import.meta.url)))).toEqual([]);
  });
});

describe("README.md", () => {
  it("describes every variable of the configuration, and no others", () => {
    const described = [...read("README.md").matchAll(/^\|\s*`([A-Z][A-Z0-9_]+)`/gm)].map(([, variable]) => variable!);
    expect(described.sort()).toEqual(Object.keys(properties).sort());
  });
});
