import type { Container } from "../../src/container.ts";
import { STORAGE_KEYS } from "../../src/storage/storageKeys.ts";
import { aLesson, aSection, aVideo } from "./course.ts";
import { aSchool, type Person, type School } from "./school.ts";
import type { TestApp } from "./testApp.ts";

export interface Screening {
  school: School;
  student: Person;
  videoId: string;
  lessonId: string;
}

/** What stands for the files of a processed video where nobody decodes them. */
export const MADE_FILES: Record<string, string> = {
  "master.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n240p/index.m3u8\n",
  "240p/index.m3u8": '#EXTM3U\n#EXT-X-MAP:URI="init.mp4"\n#EXTINF:4,\nseg_0001.m4s\n#EXT-X-ENDLIST\n',
  "240p/init.mp4": "init",
  "240p/seg_0001.m4s": "0123456789",
  "poster.jpg": "poster",
  "sprites.vtt": "WEBVTT\n\n00:00.000 --> 00:02.000\nsprite_0.jpg#xywh=0,0,160,90\n",
  "sprite_0.jpg": "sprite",
};

/** A video that the student of a school can play, with `MADE_FILES` in the storage. */
export async function aScreening(container: Container): Promise<Screening> {
  const school = await aSchool(container);
  const videoId = await aVideo(container, school, { status: "READY", durationMs: 4_000 });
  await container.db.video.update({ where: { id: videoId }, data: { run: 1 } });
  for (const [name, content] of Object.entries(MADE_FILES))
    await container.storage.put(STORAGE_KEYS.RUN(videoId, 1) + name, Buffer.from(content));
  const lessonId = await aLesson(container, school, await aSection(container, school), { videoId });
  return { school, student: school.students[0]!, videoId, lessonId };
}

const PLAYBACK = `query ($id: ID!) {
  video(id: $id) { playback { hlsUrl posterUrl spriteUrl expiresAt captions { language label url } } }
}`;

export interface PlaybackLinks {
  hlsUrl: string;
  posterUrl: string;
  spriteUrl: string;
  expiresAt: string;
  captions: { language: string; label: string; url: string }[];
}

/** The links as this viewer is given them, on the server of the test. */
export async function playbackFor(
  app: TestApp,
  { token }: Pick<Person, "token">,
  videoId: string,
): Promise<PlaybackLinks> {
  const { data, errors } = await app.ask(PLAYBACK, { id: videoId }, token);
  if (errors) throw new Error(JSON.stringify(errors));
  return JSON.parse(JSON.stringify(data.video.playback).replaceAll(app.config.PUBLIC_URL, app.url));
}
