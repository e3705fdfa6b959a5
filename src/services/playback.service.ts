import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { LRUCache } from "lru-cache";
import { DomainError } from "../domain/errors.ts";
import { contentTypeOf } from "../storage/contentTypes.ts";
import type { ByteRange, Storage } from "../storage/storage.ts";
import { STORAGE_KEYS } from "../storage/storageKeys.ts";
import type { AccountService } from "./account.service.ts";
import type { Actor } from "./actor.ts";
import type { CaptionLanguage, CaptionService } from "./caption.service.ts";
import type { PlaybackGrant, PlaybackTokens } from "./playbackTokens.ts";
import type { Video } from "./video.service.ts";
import type { VideoAccess } from "./videoAccess.ts";

/** Where a video plays from, for one viewer. */
export interface Playback {
  hlsUrl: string;
  posterUrl: string;
  spriteUrl: string;
  captions: (CaptionLanguage & { url: string })[];
  expiresAt: string;
}

/** A file behind a playback link. */
export interface MediaFile {
  /** In bytes. */
  size: number;
  contentType: string;
  /** Another content, another tag. */
  etag: string;
  /** Never changes; else it is to be asked for again. */
  isImmutable: boolean;
  /** Whoever has the stream reads it to its end or destroys it. Null if the file is gone. */
  open(range?: ByteRange): Promise<Readable | null>;
}

/** Links that a viewer asks for within this part of their life are the same, so that a browser finds again what it has loaded. */
const SAME_LINK_SHARE = 1 / 8;
const CAPTIONS = /^captions\/([\w-]+)\.vtt$/;

const notGood = () =>
  new DomainError("FORBIDDEN", "This link is not good, or not any more. Ask for a new one.", {
    reason: "LINK_NOT_GOOD",
  });

export type PlaybackService = ReturnType<typeof createPlaybackService>;

/** Signed links to what was made of a video, and the files behind them. */
export function createPlaybackService({
  accounts,
  captions,
  videoAccess,
  storage,
  playbackTokens,
  publicUrl,
  linkSeconds,
  clock,
}: {
  accounts: Pick<AccountService, "me">;
  captions: CaptionService;
  videoAccess: VideoAccess;
  storage: Storage;
  playbackTokens: PlaybackTokens;
  publicUrl: string;
  linkSeconds: number;
  clock: () => Date;
}) {
  const origin = publicUrl.replace(/\/$/, "");
  const nowSeconds = () => Math.floor(clock().getTime() / 1_000);
  /** What a finished processing made never changes, so that its size is asked for once and not before every read. */
  const sizes = new LRUCache<string, number>({ max: 50_000 });

  function newExpiry(): number {
    const step = Math.max(1, Math.floor(linkSeconds * SAME_LINK_SHARE));
    return Math.floor(nowSeconds() / step) * step + linkSeconds;
  }

  async function madeFile({ videoId, run }: PlaybackGrant, name: string): Promise<MediaFile | null> {
    const key = STORAGE_KEYS.RUN(videoId, run) + name;
    const size = sizes.get(key) ?? (await storage.size(key));
    if (size === null) return null;
    sizes.set(key, size);
    return {
      size,
      contentType: contentTypeOf(key),
      etag: `"${run}-${size.toString(36)}"`,
      isImmutable: true,
      open: async (range) => (await storage.read(key, range))?.stream ?? null,
    };
  }

  async function captionFile({ videoId }: PlaybackGrant, language: string): Promise<MediaFile | null> {
    const text = await captions.text(videoId, language);
    if (text === null) return null;
    const bytes = Buffer.from(text);
    return {
      size: bytes.length,
      contentType: contentTypeOf("captions.vtt"),
      etag: `"${createHash("sha256").update(bytes).digest("base64url")}"`,
      isImmutable: false,
      open: async ({ start, end = bytes.length - 1 } = { start: 0 }) => Readable.from([bytes.subarray(start, end + 1)]),
    };
  }

  return {
    /** Links for somebody who was shown the video; null until it is READY. */
    async links({ userId }: Pick<Actor, "userId">, { id, run, status }: Video): Promise<Playback | null> {
      if (status !== "READY") return null;
      const expires = newExpiry();
      const base = `${origin}/media/${playbackTokens.sign({ userId, videoId: id, run, expires })}`;
      return {
        hlsUrl: `${base}/master.m3u8`,
        posterUrl: `${base}/poster.jpg`,
        spriteUrl: `${base}/sprites.vtt`,
        captions: (await captions.languages(id)).map((track) => ({
          ...track,
          url: `${base}/captions/${track.language}.vtt`,
        })),
        expiresAt: new Date(expires * 1_000).toISOString(),
      };
    },

    /**
     * What a link allows at this moment: asked for every file, from memory while nothing changes.
     * @throws FORBIDDEN (LINK_NOT_GOOD) for a link that is not ours, has expired, or whose viewer's account is closed,
     * NOT_FOUND for a video that the viewer may not see any more
     */
    async admit(token: string): Promise<PlaybackGrant & { secondsLeft: number }> {
      const grant = playbackTokens.read(token);
      const secondsLeft = grant ? grant.expires - nowSeconds() : 0;
      if (!grant || secondsLeft <= 0) throw notGood();
      const { role, disabledAt } = await accounts.me(grant);
      if (disabledAt !== null) throw notGood();
      await videoAccess.forViewer({ userId: grant.userId, role }, grant.videoId);
      return { ...grant, secondsLeft };
    },

    /** A file of the video, by its name behind the token; null where there is none, also for a name that leads elsewhere. */
    async file(grant: PlaybackGrant, name: string): Promise<MediaFile | null> {
      const language = CAPTIONS.exec(name)?.[1];
      return language === undefined ? madeFile(grant, name) : captionFile(grant, language);
    },
  };
}
