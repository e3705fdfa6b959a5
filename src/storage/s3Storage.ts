import { createReadStream, createWriteStream } from "node:fs";
import { stat } from "node:fs/promises";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { GetObjectCommand, S3, S3ServiceException } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { contentTypeOf } from "./contentTypes.ts";
import { type S3Config, s3ClientConfig } from "./s3Client.ts";
import type { Storage } from "./storage.ts";
import { isStorageKey, requireStorageKey, requireStoragePrefix } from "./storageKeys.ts";

/** The most that S3 copies in one go is 5 GB; larger files are copied in pieces. */
const PIECE_BYTES = 1024 ** 3;

const isNothing = (error: unknown): boolean =>
  error instanceof S3ServiceException && ["NotFound", "NoSuchKey"].includes(error.name);

async function unlessNothing<T>(looking: Promise<T>): Promise<T | null> {
  try {
    return await looking;
  } catch (error) {
    if (isNothing(error)) return null;
    throw error;
  }
}

/** A bucket of an S3 server. Connects on first use. @param pieceBytes what is larger is copied in pieces of this size, at least 5 MB */
export function s3Storage(config: S3Config, { pieceBytes = PIECE_BYTES } = {}): Storage {
  const Bucket = config.S3_BUCKET;
  const s3 = new S3(s3ClientConfig(config));
  const copySource = (key: string) => `${Bucket}/${key}`; // keys hold nothing that must be escaped

  async function size(key: string): Promise<number | null> {
    if (!isStorageKey(key)) return null;
    return (await unlessNothing(s3.headObject({ Bucket, Key: key })))?.ContentLength ?? null;
  }

  async function copyInPieces(from: string, to: string, bytes: number): Promise<void> {
    const target = { Bucket, Key: to };
    const { UploadId } = await s3.createMultipartUpload({ ...target, ContentType: contentTypeOf(to) });
    try {
      const Parts = [];
      for (let start = 0; start < bytes; start += pieceBytes) {
        const PartNumber: number = Parts.length + 1;
        const CopySourceRange = `bytes=${start}-${Math.min(start + pieceBytes, bytes) - 1}`;
        const copy = { ...target, UploadId, PartNumber, CopySource: copySource(from), CopySourceRange };
        Parts.push({ PartNumber, ETag: (await s3.uploadPartCopy(copy)).CopyPartResult?.ETag });
      }
      await s3.completeMultipartUpload({ ...target, UploadId, MultipartUpload: { Parts } });
    } catch (error) {
      await s3.abortMultipartUpload({ ...target, UploadId });
      throw error;
    }
  }

  async function* list(Prefix: string): AsyncGenerator<string> {
    for (let ContinuationToken: string | undefined, isMore = true; isMore; ) {
      const page = await s3.listObjectsV2({ Bucket, Prefix, ContinuationToken });
      for (const { Key } of page.Contents ?? []) if (Key) yield Key;
      ContinuationToken = page.NextContinuationToken;
      isMore = page.IsTruncated === true;
    }
  }

  async function read(key: string, range?: { start: number; end?: number }) {
    if (!isStorageKey(key)) return null;
    const Range = range && `bytes=${range.start}-${range.end ?? ""}`;
    const found = await unlessNothing(s3.getObject({ Bucket, Key: key, Range }));
    if (!found) return null;
    const whole = found.ContentRange?.split("/")[1] ?? found.ContentLength;
    return { stream: found.Body as Readable, size: Number(whole), contentType: contentTypeOf(key) };
  }

  return {
    async put(key, from) {
      const Body = typeof from === "string" ? createReadStream(from) : from;
      const ContentLength = typeof from === "string" ? (await stat(from)).size : from.length;
      const ContentType = contentTypeOf(key);
      await s3.putObject({ Bucket, Key: requireStorageKey(key), Body, ContentLength, ContentType });
    },

    read,
    size,

    async copyToFile(key, file) {
      const found = await read(requireStorageKey(key));
      if (found) await pipeline(found.stream, createWriteStream(file));
      return found !== null;
    },

    async move(from, to) {
      const bytes = await size(requireStorageKey(from));
      if (bytes === null) return false;
      requireStorageKey(to);
      if (bytes > pieceBytes) await copyInPieces(from, to, bytes);
      else await s3.copyObject({ Bucket, Key: to, CopySource: copySource(from) });
      await s3.deleteObject({ Bucket, Key: from });
      return true;
    },

    async remove(key) {
      await s3.deleteObject({ Bucket, Key: requireStorageKey(key) });
    },

    async removeAll(prefix) {
      let batch: { Key: string }[] = [];
      const removeBatch = async () => {
        if (batch.length === 0) return;
        const { Errors = [] } = await s3.deleteObjects({ Bucket, Delete: { Objects: batch, Quiet: true } });
        if (Errors.length > 0) throw new Error(`${Errors.length} files could not be removed: ${Errors[0]?.Message}`);
        batch = [];
      };
      for await (const Key of list(requireStoragePrefix(prefix))) {
        batch.push({ Key });
        if (batch.length === 1_000) await removeBatch();
      }
      await removeBatch();
    },

    list: (prefix) => list(requireStoragePrefix(prefix)),

    temporaryUrl: (key, seconds) =>
      getSignedUrl(s3, new GetObjectCommand({ Bucket, Key: requireStorageKey(key) }), { expiresIn: seconds }),

    close: () => s3.destroy(),
  };
}
