import { generateKeyPairSync } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";

/** The key of an earlier start, so that log-ins outlive a restart; else a new one that only its owner may read. */
export function keptPrivateKey(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  const key = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  writeFileSync(file, key, { mode: 0o600 });
  return key;
}
