import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import http from "node:http";
import path from "node:path";
import { Upload, type UploadOptions } from "tus-js-client";
import { eventually } from "./eventually.ts";
import type { TestApp } from "./testApp.ts";

export const sha256 = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");

export const CREATE_UPLOAD = `mutation ($input: UploadInput!) {
  createVideoUpload(input: $input) { url token expiresAt }
}`;

/** The token of a permission to upload so many bytes for the video. */
export async function aTicket(
  { ask }: Pick<TestApp, "ask">,
  token: string,
  videoId: string,
  bytes: number,
): Promise<string> {
  const { data, errors } = await ask(CREATE_UPLOAD, { input: { videoId, fileName: "lesson.mp4", bytes } }, token);
  if (errors) throw new Error(JSON.stringify(errors));
  return data.createVideoUpload.token;
}

/** Uploads by the real client of tus. @returns the upload's address */
export function uploadByTus(
  { url }: { url: string },
  file: Buffer,
  { token, ...options }: Partial<UploadOptions> & { token?: string },
): Promise<string> {
  return new Promise((resolve, reject) => {
    const upload: Upload = new Upload(file, {
      endpoint: `${url}/uploads`,
      retryDelays: null,
      ...(token !== undefined && { metadata: { token, filename: "lesson.mp4" } }),
      ...options,
      onSuccess: () => resolve(upload.url!),
      onError: reject,
    });
    upload.start();
  });
}

/** The status that a failed upload of the client was refused with, and the words. */
export async function tusRefusal(uploading: Promise<unknown>): Promise<{ status: number; body: string }> {
  const error = await uploading.then(
    () => null,
    (refusal) => refusal,
  );
  if (!error?.originalResponse) throw error ?? new Error("the upload was not refused");
  return { status: error.originalResponse.getStatus(), body: error.originalResponse.getBody() };
}

/** Opens an upload and sends nothing yet. @returns its address */
export async function openUpload(
  { url }: { url: string },
  token: string,
  bytes: number,
  path = "/uploads",
): Promise<string> {
  const response = await tusFetch("POST", `${url}${path}`, {
    "upload-length": String(bytes),
    "upload-metadata": `token ${Buffer.from(token).toString("base64")}`,
  });
  if (response.status !== 201) throw new Error(`${response.status} ${await response.text()}`);
  return new URL(response.headers.get("location")!, url).href;
}

export const tusFetch = (
  method: string,
  address: string,
  headers: Record<string, string> = {},
  body?: RequestInit["body"],
): Promise<Response> =>
  fetch(address, {
    method,
    headers: { "tus-resumable": "1.0.0", ...headers },
    ...(body != null && { body, duplex: "half" }),
  } as RequestInit);

/** Sends a piece of an upload. */
export const sendPiece = (address: string, offset: number, bytes: Buffer): Promise<Response> =>
  tusFetch(
    "PATCH",
    address,
    { "upload-offset": String(offset), "content-type": "application/offset+octet-stream" },
    new Uint8Array(bytes),
  );

/** Begins to send a file, and stops in the middle of it without a word once that much of it is kept. */
export async function hangingPiece(
  { container: { storage } }: Pick<TestApp, "container">,
  address: string,
  { partKey, file, sent }: { partKey: string; file: Buffer; sent: number },
): Promise<http.ClientRequest> {
  const hanging = http.request(address, {
    method: "PATCH",
    headers: {
      "tus-resumable": "1.0.0",
      "upload-offset": 0,
      "content-type": "application/offset+octet-stream",
      "content-length": file.length,
    },
  });
  hanging.on("error", () => {}); // it is cut off
  hanging.write(file.subarray(0, sent));
  await eventually("a part is there", async () => (await storage.size(partKey)) === sent);
  return hanging;
}

/** What is kept of uploads that are not finished. */
export const unfinishedFiles = (storageDir: string): Promise<string[]> =>
  readdir(path.join(storageDir, "uploads")).catch(() => []);

/** The file that the video is processed from. */
export async function sourceOf({ container: { db } }: Pick<TestApp, "container">, storageDir: string, videoId: string) {
  const { sourceKey } = await db.video.findUniqueOrThrow({ where: { id: videoId } });
  return readFile(path.join(storageDir, sourceKey!));
}
