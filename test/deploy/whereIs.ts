import { accessSync, constants } from "node:fs";
import path from "node:path";
import { describe } from "@jest/globals";

/** Where a program lies, also among those that are for administrators; undefined if it is not installed. */
export function whereIs(program: string): string | undefined {
  const folders = [...(process.env.PATH ?? "").split(path.delimiter), "/usr/local/bin", "/usr/sbin"];
  return folders.map((folder) => path.join(folder, program)).find(isExecutable);
}

/** Tests that need a program which not every machine has: skipped without it, with a name that says how to get it. */
export function describeWith(program: string, remedy: string, name: string, tests: (file: string) => void): void {
  const file = whereIs(program);
  if (file) describe(name, () => tests(file));
  else describe.skip(`${name} (skipped: no ${program}; ${remedy})`, () => tests(program));
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
