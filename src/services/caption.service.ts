import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import type { ReadCaptions } from "../domain/captions/captionLines.ts";
import { srtToWebVtt } from "../domain/captions/srt.ts";
import { readWebVtt } from "../domain/captions/webVtt.ts";
import { badInput, unprocessable } from "../domain/errors.ts";
import type { Cache } from "../redis/cache.ts";
import { CACHE_KEYS } from "../redis/cacheKeys.ts";
import type { Actor } from "./actor.ts";
import { batched } from "./batched.ts";
import { parseInput } from "./input.ts";
import type { Video, VideoService } from "./video.service.ts";
import type { VideoAccess } from "./videoAccess.ts";

/** Captions that a video has, without their text. */
export interface CaptionLanguage {
  /** BCP 47, in its canonical form. */
  language: string;
  label: string;
}

const MAX_LANGUAGES = 100;

/** The canonical form of a BCP 47 tag; null for what is none. */
function canonicalLanguage(given: string): string | null {
  try {
    return Intl.getCanonicalLocales(given)[0] ?? null;
  } catch {
    return null; // a RangeError is its way to say so
  }
}

const language = z
  .string()
  .max(35, "has at most 35 characters")
  .transform((given, context) => {
    const canonical = canonicalLanguage(given);
    if (canonical === null) context.addIssue("is not the tag of a language, such as de or pt-BR");
    return canonical ?? z.NEVER;
  });
const newCaptions = z.object({
  videoId: z.string(),
  language,
  label: z.string().trim().min(1, "is empty").max(100, "has at most 100 characters"),
  format: z
    .enum(["VTT", "SRT"])
    .nullish()
    .transform((given) => given ?? "VTT"),
  content: z.string().max(1_000_000, "has at most 1,000,000 characters"),
});
const removedCaptions = z.object({ language });

const READERS: Record<"VTT" | "SRT", (text: string) => ReadCaptions> = { VTT: readWebVtt, SRT: srtToWebVtt };

/** @throws BAD_USER_INPUT that names every line that is wrong */
function toWebVtt(format: "VTT" | "SRT", content: string): string {
  const { vtt, problems } = READERS[format](content);
  if (vtt !== null) return vtt;
  const fields = problems.map(({ line, message }) => ({ path: "input.content", message: `line ${line}: ${message}` }));
  throw badInput(`The captions are not right: ${fields.map(({ message }) => message).join(" ")}`, fields);
}

export type CaptionService = ReturnType<typeof createCaptionService>;

/** The captions of a video: one WebVTT text in each language. */
export function createCaptionService({
  db,
  cache,
  videoAccess,
  videos,
}: {
  db: Db;
  cache: Cache;
  videoAccess: VideoAccess;
  videos: Pick<VideoService, "get">;
}) {
  const load = batched(async (videoIds: readonly string[]) => {
    const rows = await db.caption.findMany({
      where: { videoId: { in: [...videoIds] } },
      select: { videoId: true, language: true, label: true },
      orderBy: { language: "asc" },
    });
    const byVideo = new Map(videoIds.map((id) => [id, [] as CaptionLanguage[]]));
    for (const { videoId, ...track } of rows) byVideo.get(videoId)?.push(track);
    return videoIds.map((id) => byVideo.get(id) ?? []);
  });

  return {
    /** The languages that a video has captions in, by their tags; through the cache. Whether they may be seen, the caller knows. */
    async languages(videoId: string): Promise<readonly CaptionLanguage[]> {
      return cache.getOrSetCache(CACHE_KEYS.VIDEO_CAPTIONS(videoId), () => load(videoId));
    },

    /** The WebVTT text in a language; null where there is none. Whether it may be seen, the caller knows. */
    async text(videoId: string, language: string): Promise<string | null> {
      const row = await db.caption.findUnique({
        where: { videoId_language: { videoId, language } },
        select: { vtt: true },
      });
      return row?.vtt ?? null;
    },

    /** Adds captions in a language, or replaces them. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, UNPROCESSABLE (CAPTIONS_FULL) */
    async set(actor: Actor, input: unknown): Promise<Video> {
      const { videoId: videoIdGiven, language, label, format, content } = parseInput(newCaptions, input);
      const vtt = toWebVtt(format, content);
      const videoId = await db.$transaction(async (tx) => {
        const { id } = await videoAccess.lock(tx, actor, videoIdGiven);
        const others = await tx.caption.count({ where: { videoId: id, language: { not: language } } });
        if (others >= MAX_LANGUAGES)
          throw unprocessable("CAPTIONS_FULL", `A video has captions in at most ${MAX_LANGUAGES} languages.`);
        await tx.caption.upsert({
          where: { videoId_language: { videoId: id, language } },
          create: { videoId: id, language, label, vtt },
          update: { label, vtt },
        });
        return id;
      });
      await cache.drop(CACHE_KEYS.VIDEO_CAPTIONS(videoId));
      return videos.get(actor, videoId);
    },

    /** Removes the captions in a language. Safe to repeat. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async remove(actor: Actor, videoIdGiven: string, languageGiven: string): Promise<Video> {
      const { language } = parseInput(removedCaptions, { language: languageGiven }, { path: "" });
      const videoId = await db.$transaction(async (tx) => {
        const { id } = await videoAccess.lock(tx, actor, videoIdGiven);
        await tx.caption.deleteMany({ where: { videoId: id, language } });
        return id;
      });
      await cache.drop(CACHE_KEYS.VIDEO_CAPTIONS(videoId));
      return videos.get(actor, videoId);
    },
  };
}
