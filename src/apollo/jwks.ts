import type { FastifyInstance } from "fastify";
import type { Tokens } from "../services/tokens.ts";

/** Verifiers that meet a key they do not know ask again at once; this is only how long they go without asking. */
const CACHE_SECONDS = 300;

/** `/.well-known/jwks.json`: the keys by which other services can verify our access tokens. Public, for pages of any site. */
export function keySetRoute(app: FastifyInstance, { keySet }: Pick<Tokens, "keySet">): void {
  const body = JSON.stringify(keySet);
  app.get("/.well-known/jwks.json", (_request, reply) =>
    reply
      .type("application/jwk-set+json")
      .header("cache-control", `public, max-age=${CACHE_SECONDS}`)
      .header("access-control-allow-origin", "*")
      .send(body),
  );
}
