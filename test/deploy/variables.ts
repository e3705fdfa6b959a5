import { configSchema, readConfig } from "../../src/config.ts";
import { testPrivateKey } from "../support/testApp.ts";

/** Variables that a program's environment holds and that config.ts does not know. */
export const unknownVariables = (environment: Record<string, unknown>): string[] =>
  Object.keys(environment).filter((name) => !Object.hasOwn(configSchema.shape, name));

/** What `config.ts` says to an environment, given the keys that are made for an installation: "" if it is complete and right. */
export function complaintsAbout(environment: Record<string, string>): string {
  const keys = { JWT_PRIVATE_KEY: testPrivateKey, SECRETS_KEY: Buffer.alloc(32).toString("base64") };
  const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
  try {
    readConfig({ ...keys, ...given });
    return "";
  } catch (error) {
    return (error as Error).message;
  }
}

/** The default of a variable. */
export function defaultOf(name: keyof typeof configSchema.shape): unknown {
  return configSchema.shape[name].parse(undefined);
}
