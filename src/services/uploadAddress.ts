import { isUuid } from "./ids.ts";
import { type Secrets, sameText } from "./secrets.ts";

export type UploadAddresses = ReturnType<typeof createUploadAddresses>;

/**
 * The last part of an upload's address. Nobody can guess it, and whoever has it may go on with the upload: tus clients keep it
 * over a restart, when a log-in may long have expired.
 */
export function createUploadAddresses(secrets: Secrets) {
  const signature = (uploadId: string) => secrets.hash("upload", uploadId);

  return {
    nameOf: (uploadId: string): string => `${uploadId}.${signature(uploadId)}`,

    /** Null for what we never gave out. */
    idOf(name: string): string | null {
      const [uploadId = "", given = ""] = name.split(".");
      return isUuid(uploadId) && sameText(given, signature(uploadId)) ? uploadId : null;
    },
  };
}
