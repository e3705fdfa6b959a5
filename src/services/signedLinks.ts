import { type Secrets, sameText } from "./secrets.ts";

export type SignedLinks = ReturnType<typeof createSignedLinks>;

/** Links that are good for whoever has them until they expire, without a log-in: for downloads in a browser and in mails. */
export function createSignedLinks({
  secrets,
  publicUrl,
  clock,
}: {
  secrets: Secrets;
  publicUrl: string;
  clock: () => Date;
}) {
  const signature = (path: string, expires: number) => secrets.hash("link", `${expires} ${path}`);

  return {
    /** @param path of this server, beginning with a slash */
    url(path: string, expiresAt: Date): string {
      const expires = Math.floor(expiresAt.getTime() / 1000);
      return `${publicUrl.replace(/\/$/, "")}${path}?expires=${expires}&signature=${signature(path, expires)}`;
    },

    /** Whether a link to this path is ours and has not expired. */
    isGood(path: string, given: { expires?: unknown; signature?: unknown }): boolean {
      const expires = Number(given.expires);
      if (!Number.isSafeInteger(expires) || typeof given.signature !== "string") return false;
      return sameText(given.signature, signature(path, expires)) && expires * 1000 > clock().getTime();
    },
  };
}
