import cors from "@fastify/cors";
import type { FastifyInstance } from "fastify";
import type { QuestionFileService } from "../services/questionFile.service.ts";
import type { SignedLinks } from "../services/signedLinks.ts";
import { requireGoodLink } from "./downloads.ts";

type ById = { Params: { id: string } };

/** Below `/question-files`: where files of questions are sent to by whoever has the link: the bytes of the file, and nothing else, as the body of a PUT. */
export function questionUploads({
  questionFiles,
  links,
  corsOrigins,
}: {
  questionFiles: Pick<QuestionFileService, "receive">;
  links: SignedLinks;
  corsOrigins: string[];
}) {
  return async function register(app: FastifyInstance): Promise<void> {
    if (corsOrigins.length > 0) await app.register(cors, { origin: corsOrigins, methods: ["PUT"] });
    app.removeAllContentTypeParsers();
    app.addContentTypeParser("*", (_request, body, done) => done(null, body)); // kept as it comes, in pieces
    app.put<ById>("/:id", { onRequest: requireGoodLink(links) }, async ({ params, body }, reply) => {
      const { id, jobId } = await questionFiles.receive(params.id, (body ?? nothing()) as AsyncIterable<Uint8Array>);
      return reply.code(202).send({ id, jobId });
    });
  };
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
