import { generateKeyPairSync, randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

/** The key that signs access tokens: that of an earlier start, so that log-ins outlive a restart. */
export const keptPrivateKey = (file: string): string =>
  kept(file, () => generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString());

/** The key that seals second factors and makes refresh tokens and links, kept for the same reason. */
export const keptSecretsKey = (file: string): string => kept(file, () => randomBytes(32).toString("base64"));

/** What the file holds; else something new, which only its owner may read. */
function kept(file: string, make: () => string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const key = make();
  writeFileSync(file, key, { mode: 0o600 });
  return key;
}
