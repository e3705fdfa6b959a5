import { existsSync, readFileSync } from "node:fs";
import { describe, it } from "@jest/globals";

const folder = new URL("../../../shared/data/", import.meta.url);

export const readShared = (path: string) => readFileSync(new URL(path, folder), "utf8");

/** Tests on question files of other projects, which lie beside the repository and not in it. */
export function describeWithSharedData(name: string, tests: () => void): void {
  if (existsSync(folder)) describe(name, tests);
  else describe.skip(name, () => it("needs ../shared/data beside this repository", () => {}));
}
