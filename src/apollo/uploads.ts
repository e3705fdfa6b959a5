import type { IncomingMessage } from "node:http";
import { type DataStore, ERRORS, type ServerOptions, Server as TusServer } from "@tus/server";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { GraphQLError } from "graphql";
import { conflict, DomainError, notFound } from "../domain/errors.ts";
import type { ResumableUploads } from "../services/resumableUploads.ts";
import type { UploadFiles } from "../storage/uploadFiles.ts";
import type { UploadLocks } from "../storage/uploadLocks.ts";
import type { Logger } from "../utils/logger.ts";
import { toPublicError } from "./errors.ts";

type ById = { Params: { name: string } };
type TusRequest = Parameters<NonNullable<ServerOptions["onUploadFinish"]>>[0];

/** How long a request that is asked to make room may go on with what it has in hand. */
const DRAIN_MS = 500;
/** What the refusals of a file that is too large are in HTTP. */
const CONTENT_TOO_LARGE = 413;

const isTusRefusal = (error: unknown): error is { status_code: number; body: string } =>
  typeof error === "object" && error !== null && "status_code" in error;

/**
 * Resumable uploads of one kind by tus 1.0 (https://tus.io). A token in the metadata opens one; from then on its address is what it takes to
 * go on with it, from any server.
 */
export function uploadRoutes({
  uploads,
  files,
  locks,
  corsOrigins,
  publicUrl,
  log,
}: {
  uploads: Omit<ResumableUploads, "table" | "finishIfWhole">;
  files: UploadFiles;
  locks: UploadLocks;
  corsOrigins: readonly string[];
  publicUrl: string;
  log: Logger;
}) {
  const requestIds = new WeakMap<IncomingMessage, string>();
  const uploadIdOf = (key: string): string => key.slice(uploads.partPrefix.length);
  const basePath = new URL(publicUrl).pathname.replace(/\/$/, "");
  const isAllowed = (origin: string) => corsOrigins.includes(origin);
  let server: Promise<TusServer> | undefined;

  function refusalOf(error: unknown, requestId: string): { status_code: number; body: string } {
    // Of a status such as 400 the clients of tus conclude that it is of no use to try again.
    if (error === ERRORS.ABORTED) return { status_code: 503, body: "The upload was interrupted. Go on with it.\n" };
    if (isTusRefusal(error)) return error;
    const originalError = error instanceof Error ? error : new Error("not an error", { cause: error });
    const shown = toPublicError(new GraphQLError("", { originalError }), {
      log,
      requestId,
      trace: { errorCodes: [], isStorable: false },
    });
    const isTooLarge = error instanceof DomainError && error.reason === "FILE_TOO_LARGE";
    return {
      status_code: isTooLarge ? CONTENT_TOO_LARGE : Number(shown.extensions.status),
      body: `${shown.message}\n`,
    };
  }

  const nodeRequestOf = (request: TusRequest) => request.runtime?.node?.req as IncomingMessage | undefined;
  const requestIdOf = (request: TusRequest) => requestIds.get(nodeRequestOf(request)!) ?? "";

  const tusServer = (datastore: DataStore) =>
    new TusServer({
      path: uploads.path,
      datastore,
      locker: locks,
      lockDrainTimeout: DRAIN_MS,
      maxSize: uploads.maxBytes,
      allowedOrigins: isAllowed,
      async namingFunction(request, metadata) {
        const length = request.headers.get("upload-length");
        if (length === null) throw { status_code: 400, body: "The upload's length must be known: Upload-Length.\n" };
        return uploads.partKey(await uploads.open(metadata?.token ?? "", Number(length)));
      },
      // What the client says of its file goes no further, and least of all the token.
      onUploadCreate: async () => ({ metadata: {} }),
      generateUrl: (_request, { id }) => `${basePath}${uploads.path}/${uploads.nameOf(uploadIdOf(id))}`,
      getFileIdFromRequest(_request, name) {
        const uploadId = name === undefined ? null : uploads.idOf(name);
        return uploadId === null ? undefined : uploads.partKey(uploadId);
      },
      async onUploadFinish(request, { id }) {
        await uploads.finish(uploadIdOf(id), requestIdOf(request));
        return {};
      },
      onResponseError: (request, error) => refusalOf(error, requestIdOf(request)),
    });

  async function hand(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    server ??= files.store().then(tusServer, (error) => {
      server = undefined;
      throw error;
    });
    const tus = await server;
    requestIds.set(request.raw, request.id);
    reply.hijack();
    reply.raw.setHeader("x-request-id", request.id);
    await tus.handle(request.raw, reply.raw);
    log.info({ requestId: request.id, method: request.method, status: reply.raw.statusCode }, "upload");
  }

  /** A page of an origin that is allowed may read what we answer ourselves, as it may read what tus answers. */
  function allowOrigin({ headers }: FastifyRequest, reply: FastifyReply): void {
    reply.header("tus-resumable", "1.0.0").header("cache-control", "no-store");
    if (headers.origin === undefined || !isAllowed(headers.origin)) return;
    reply.header("access-control-allow-origin", headers.origin).header("vary", "origin");
    reply.header("access-control-expose-headers", "Tus-Resumable, Upload-Offset, Upload-Length, X-Request-Id");
  }

  return async function register(app: FastifyInstance): Promise<void> {
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", (_request, _body, done) => done(null)); // the bytes are for tus alone
    app.addHook("preClose", async () => locks.askAll()); // the clients go on with another server
    app.addHook("onRequest", async (request, reply) => allowOrigin(request, reply));

    app.route({ method: ["POST", "OPTIONS"], url: uploads.path, handler: hand });
    app.route<ById>({ method: "OPTIONS", url: `${uploads.path}/:name`, handler: hand });
    app.route<ById>({
      method: ["HEAD", "PATCH", "DELETE"],
      url: `${uploads.path}/:name`,
      async handler(request, reply) {
        const uploadId = uploads.idOf(request.params.name);
        if (!uploadId) throw notFound("upload");
        const { bytes, isFinished } = await uploads.stateOf(uploadId);
        if (request.method === "DELETE") {
          if (isFinished) throw conflict("The upload is finished: its file is kept now.", "UPLOAD_FINISHED");
          await uploads.forget(uploadId);
        } else if (isFinished) {
          // The answer to the last piece may have been lost: a client that asks again is told that all is here.
          return reply
            .code(request.method === "HEAD" ? 200 : 204)
            .header("upload-offset", bytes)
            .header("upload-length", bytes)
            .send();
        }
        await hand(request, reply);
      },
    });
  };
}
