import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes, timingSafeEqual } from "node:crypto";

const IV_BYTES = 12;
const TAG_BYTES = 16;

export type Secrets = ReturnType<typeof createSecrets>;

/** What is done with SECRETS_KEY. Each use has a key of its own, so that what serves one is worth nothing for another. */
export function createSecrets(key: string) {
  const master = Buffer.from(key, "base64");
  const keyOf = (use: string) => Buffer.from(hkdfSync("sha256", master, "", `lectern ${use}`, 32));
  const sealingKey = keyOf("seal");

  return {
    /** A key for what makes and checks signatures of its own. */
    keyFor: (use: "playback link") => keyOf(use),

    /** A keyed hash (HMAC-SHA-256, base64url) that nobody without the key can make or guess from. */
    hash(
      use: "refresh token" | "recovery code" | "link" | "upload" | "monitor session" | "monitor form",
      text: string,
    ): string {
      return createHmac("sha256", keyOf(use)).update(text).digest("base64url");
    },

    /** Encrypts a text for the database (AES-256-GCM); `context` says whose it is, and only with the same one it opens. */
    seal(text: string, context: string): string {
      const iv = randomBytes(IV_BYTES);
      const cipher = createCipheriv("aes-256-gcm", sealingKey, iv).setAAD(Buffer.from(context));
      return Buffer.concat([iv, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()]).toString(
        "base64url",
      );
    },

    /** What {@link seal} sealed; null where it was sealed with another key or context, or changed since. */
    open(sealed: string, context: string): string | null {
      const bytes = Buffer.from(sealed, "base64url");
      try {
        const decipher = createDecipheriv("aes-256-gcm", sealingKey, bytes.subarray(0, IV_BYTES))
          .setAAD(Buffer.from(context))
          .setAuthTag(bytes.subarray(-TAG_BYTES));
        return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES, -TAG_BYTES)), decipher.final()]).toString(
          "utf8",
        );
      } catch {
        return null; // every way not to open it is the same to whoever asks
      }
    },
  };
}

/** Compares without telling by the time it takes where the texts part. */
export function sameText(one: string, other: string): boolean {
  const [a, b] = [Buffer.from(one), Buffer.from(other)];
  return a.length === b.length && timingSafeEqual(a, b);
}
