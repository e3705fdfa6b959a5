import { createHmac, timingSafeEqual } from "node:crypto";

/** What a playback link says: who may see which processing of which video, and until when. */
export interface PlaybackGrant {
  userId: string;
  videoId: string;
  run: number;
  /** In seconds since 1970. */
  expires: number;
}

const ID_BYTES = 16;
const GRANT_BYTES = 2 * ID_BYTES + 8;
const TOKEN = /^[\w-]{96}$/; // 40 bytes of the grant and 32 of the signature: no bit more, so that each token is written in one way

export type PlaybackTokens = ReturnType<typeof createPlaybackTokens>;

/** Signed with HMAC-SHA-256 by the first key; what any of them signed is believed. */
export function createPlaybackTokens(keys: readonly Buffer[]) {
  const [ownKey] = keys;
  if (!ownKey) throw new TypeError("No key to sign playback links with.");

  const signature = (key: Buffer, grant: Buffer): Buffer => createHmac("sha256", key).update(grant).digest();

  return {
    sign({ userId, videoId, run, expires }: PlaybackGrant): string {
      const grant = Buffer.alloc(GRANT_BYTES);
      writeId(grant, userId, 0);
      writeId(grant, videoId, ID_BYTES);
      grant.writeUInt32BE(run, 2 * ID_BYTES);
      grant.writeUInt32BE(expires, 2 * ID_BYTES + 4);
      return Buffer.concat([grant, signature(ownKey, grant)]).toString("base64url");
    },

    /** What a token of ours says, whether or not it has expired; null for any other text. */
    read(token: string): PlaybackGrant | null {
      if (!TOKEN.test(token)) return null;
      const bytes = Buffer.from(token, "base64url");
      const [grant, given] = [bytes.subarray(0, GRANT_BYTES), bytes.subarray(GRANT_BYTES)];
      if (!keys.some((key) => timingSafeEqual(given, signature(key, grant)))) return null;
      return {
        userId: readId(grant, 0),
        videoId: readId(grant, ID_BYTES),
        run: grant.readUInt32BE(2 * ID_BYTES),
        expires: grant.readUInt32BE(2 * ID_BYTES + 4),
      };
    },
  };
}

const writeId = (target: Buffer, id: string, at: number): void => void target.write(id.replaceAll("-", ""), at, "hex");

const readId = (source: Buffer, at: number): string =>
  source.toString("hex", at, at + ID_BYTES).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
