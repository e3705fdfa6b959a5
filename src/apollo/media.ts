import cors from "@fastify/cors";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { byteRange } from "../domain/byteRange.ts";
import { notFound } from "../domain/errors.ts";
import type { MediaFile, PlaybackService } from "../services/playback.service.ts";
import type { Logger } from "../utils/logger.ts";

type ByToken = { Params: { token: string; "*": string } };

const PREFLIGHT_SECONDS = 600;

/**
 * The files of a video, for the player; to be registered below `/media`. The token stands in the path, so that the addresses within a playlist, which are
 * relative, carry it too; every single request is checked by it.
 * Files of a bucket are passed through as well: a redirect to it would be good without us, and would need the bucket to be
 * open to browsers.
 */
export function mediaRoutes({
  playback,
  corsOrigins,
  log,
}: {
  playback: Pick<PlaybackService, "admit" | "file">;
  corsOrigins: string[];
  log: Logger;
}) {
  async function send(
    { params, headers, method }: FastifyRequest<ByToken>,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    reply.header("cache-control", "no-store"); // of what fails; what is found has its own
    const grant = await playback.admit(params.token);
    const file = await playback.file(grant, params["*"]);
    if (!file) throw notFound("file");
    const describe = () =>
      reply
        .header(
          "cache-control",
          file.isImmutable ? `private, max-age=${grant.secondsLeft}, immutable` : "private, no-cache",
        )
        .header("etag", file.etag);

    if (hasAlready(headers["if-none-match"], file)) return describe().code(304).send();
    const isSame = headers["if-range"] === undefined || headers["if-range"] === file.etag;
    const range = isSame && method === "GET" ? byteRange(headers.range, file.size) : null;
    if (range === "NONE") return reply.code(416).header("content-range", `bytes */${file.size}`).send();
    const body = method === "HEAD" ? undefined : await file.open(range ?? undefined);
    if (body === null) throw notFound("file"); // removed meanwhile
    if (range) reply.code(206).header("content-range", `bytes ${range.start}-${range.end}/${file.size}`);
    return describe()
      .header("content-type", file.contentType)
      .header("content-length", range ? range.end - range.start + 1 : file.size)
      .header("accept-ranges", "bytes")
      .send(body);
  }

  return async function register(app: FastifyInstance): Promise<void> {
    if (corsOrigins.length > 0)
      await app.register(cors, {
        origin: corsOrigins,
        methods: ["GET", "HEAD"],
        exposedHeaders: ["accept-ranges", "content-length", "content-range", "etag"],
        maxAge: PREFLIGHT_SECONDS,
      });
    app.addHook("onRequest", async (_request, reply) => {
      reply.header("x-content-type-options", "nosniff");
    });
    app.addHook("onResponse", async (request, reply) => {
      if (reply.statusCode >= 400) return; // logged with its reason already
      // The route and not the address, which is all that it takes to fetch the file again.
      const { id: requestId, routeOptions } = request;
      log.debug({ requestId, route: routeOptions.url, ms: Math.round(reply.elapsedTime) }, "media");
    });
    // By hand: the HEAD route that is made for a GET reads the whole file to know its length.
    app.route<ByToken>({ method: ["GET", "HEAD"], url: "/:token/*", exposeHeadRoute: false, handler: send });
  };
}

/** Whether the client's copy is still what it would get. */
const hasAlready = (ifNoneMatch = "", { etag }: MediaFile): boolean =>
  ifNoneMatch
    .split(",")
    .map((tag) => tag.trim().replace(/^W\//, ""))
    .some((tag) => tag === "*" || tag === etag);
