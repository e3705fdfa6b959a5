/** Where each file is kept. */
export const STORAGE_KEYS = {
  /** What is not whole yet, of videos and of answers. */
  UPLOADS: "uploads/",
  ANSWER_UPLOADS: "answer-uploads/",
  ANSWER_FILE: (fileId: string) => `answer-files/${fileId}`,
  VIDEO: (videoId: string) => `videos/${videoId}/`,
  /** What was uploaded. Of each upload apart, so that none is written over while it is processed. */
  SOURCE: (videoId: string, uploadId: string) => `videos/${videoId}/source/${uploadId}`,
  RUN: (videoId: string, run: number) => `videos/${videoId}/runs/${run}/`,
} as const;

const KEY = /^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/;

/** Whether a text can be a key at all: nothing that leads out of its folder, nothing hidden. */
export const isStorageKey = (key: string): boolean => key.length <= 512 && KEY.test(key);

/** @throws TypeError: a key that is written to is made by us */
export function requireStorageKey(key: string): string {
  if (!isStorageKey(key)) throw new TypeError(`"${key}" cannot be the key of a file`);
  return key;
}

/** The same for a prefix, which ends with a slash, so that `videos/1/` never means `videos/10/`. @throws TypeError */
export function requireStoragePrefix(prefix: string): string {
  if (!prefix.endsWith("/")) throw new TypeError(`the prefix "${prefix}" does not end with a slash`);
  requireStorageKey(prefix.slice(0, -1));
  return prefix;
}
