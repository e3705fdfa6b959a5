import type { S3ClientConfig } from "@aws-sdk/client-s3";
import type { Config } from "../config.ts";

export type S3Config = Pick<Config, "S3_ENDPOINT" | "S3_REGION" | "S3_ACCESS_KEY_ID" | "S3_SECRET_ACCESS_KEY"> & {
  S3_BUCKET: string;
};

/** How every client of the bucket is made. */
export const s3ClientConfig = ({
  S3_ENDPOINT,
  S3_REGION,
  S3_ACCESS_KEY_ID,
  S3_SECRET_ACCESS_KEY,
}: S3Config): S3ClientConfig => ({
  region: S3_REGION,
  ...(S3_ACCESS_KEY_ID && {
    credentials: { accessKeyId: S3_ACCESS_KEY_ID, secretAccessKey: S3_SECRET_ACCESS_KEY ?? "" },
  }),
  // What other servers than Amazon's can do: no bucket as host name, and no checksum behind a stream.
  ...(S3_ENDPOINT && { endpoint: S3_ENDPOINT, forcePathStyle: true }),
  requestChecksumCalculation: "WHEN_REQUIRED",
  responseChecksumValidation: "WHEN_REQUIRED",
});
