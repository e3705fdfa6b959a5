import { Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import type { FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { DomainError, notFound } from "../domain/errors.ts";
import type { AnswerFileDownloads } from "../services/answerFileDownloads.service.ts";
import type { ImportService } from "../services/import.service.ts";
import type { PrivacyService } from "../services/privacy.service.ts";
import type { QuestionFileService } from "../services/questionFile.service.ts";
import type { ResultFileService } from "../services/resultFile.service.ts";
import type { SignedLinks } from "../services/signedLinks.ts";
import type { Logger } from "../utils/logger.ts";

type ById = { Params: { id: string } };
type ByIdAndReader = { Params: { id: string; readerId: string } };

const ACCEPTS_GZIP = /\bgzip\b(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i;

/** What a good link leads to, for whoever has it: files, kept nowhere on the way, that a browser saves and never shows. */
export function downloadRoutes({
  answerFileDownloads,
  imports,
  privacy,
  questionFiles,
  resultFiles,
  links,
  log,
}: {
  answerFileDownloads: Pick<AnswerFileDownloads, "open">;
  imports: Pick<ImportService, "openReport">;
  privacy: Pick<PrivacyService, "openExport">;
  questionFiles: Pick<QuestionFileService, "open">;
  resultFiles: Pick<ResultFileService, "open">;
  links: SignedLinks;
  log: Logger;
}) {
  return async function register(app: FastifyInstance): Promise<void> {
    app.addHook("onRequest", requireGoodLink(links));
    app.addHook("onResponse", async (request, reply) => {
      if (reply.statusCode >= 400) return; // logged with its reason already
      // The route and not the address, which is all that it takes to fetch the file again.
      log.info(
        { requestId: request.id, route: request.routeOptions.url, ms: Math.round(reply.elapsedTime) },
        "download",
      );
    });

    app.get<ById>("/downloads/imports/:id", async ({ params }, reply) => {
      const { fileName, text } = await imports.openReport(params.id);
      return attach(reply, fileName, "text/csv; charset=utf-8").send(Readable.from(text));
    });

    app.get<ById>("/downloads/questions/:id", async ({ params }, reply) => {
      const { fileName, contentType, bytes } = await questionFiles.open(params.id);
      return attach(reply, fileName, contentType).send(Readable.from(bytes));
    });

    app.get<ById>("/downloads/results/:id", async ({ params }, reply) => {
      const { fileName, contentType, bytes } = await resultFiles.open(params.id);
      return attach(reply, fileName, contentType).send(Readable.from(bytes));
    });

    // By hand: the HEAD route that is made for a GET reads the whole file to know its length.
    for (const [folder, marksIt] of [
      ["answer-files", false],
      ["marking-files", true],
    ] as const)
      app.get<ByIdAndReader>(
        `/downloads/${folder}/:id/:readerId`,
        { exposeHeadRoute: false },
        async ({ params, ip }, reply) => {
          const reader = { userId: params.readerId, ip, marksIt };
          const { fileName, contentType, size, bytes } = await answerFileDownloads.open(params.id, reader);
          attach(reply, fileName, contentType).header("content-length", size);
          return reply.header("content-security-policy", "default-src 'none'; sandbox").send(bytes);
        },
      );

    app.get<ById>("/downloads/exports/:id", async ({ params, headers }, reply) => {
      const file = await privacy.openExport(params.id);
      if (!file) throw notFound("export");
      attach(reply, file.fileName, "application/json; charset=utf-8").header("vary", "accept-encoding");
      if (ACCEPTS_GZIP.test(String(headers["accept-encoding"] ?? "")))
        return reply.header("content-encoding", "gzip").send(file.body);
      return reply.send(Readable.from([file.body]).pipe(createGunzip()));
    });
  };
}

/** Lets only those in who have a link that is good. */
export const requireGoodLink =
  (links: SignedLinks) =>
  async ({ url, query }: FastifyRequest): Promise<void> => {
    if (!links.isGood(url.split("?")[0]!, query as Record<string, unknown>))
      throw new DomainError("FORBIDDEN", "This link is not good, or not any more. Ask for a new one.", {
        reason: "LINK_NOT_GOOD",
      });
  };

/** The name as RFC 6266 writes it: once in letters that every client reads, and once as it is. */
function attachmentNamed(fileName: string): string {
  const plain = fileName.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  if (plain === fileName) return `attachment; filename="${fileName}"`;
  const encoded = encodeURIComponent(fileName).replace(
    /['()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `attachment; filename="${plain}"; filename*=UTF-8''${encoded}`;
}

const attach = (reply: FastifyReply, fileName: string, contentType: string): FastifyReply =>
  reply
    .header("content-type", contentType)
    .header("content-disposition", attachmentNamed(fileName))
    .header("cache-control", "no-store")
    .header("x-content-type-options", "nosniff");
