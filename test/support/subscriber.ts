import { createClient as createSseClient } from "graphql-sse";
import { createClient as createWsClient } from "graphql-ws";
import { WebSocket } from "ws";
import type { GraphqlAnswer } from "./testApp.ts";

export type Happening = Pick<GraphqlAnswer, "data" | "errors">;

/** Happenings of one subscription as a client gets them, over WebSocket or server-sent events; `return` ends it. */
export function subscribeTo(
  url: string,
  query: string,
  variables: Record<string, unknown>,
  token: string | undefined,
  over: "ws" | "sse" = "ws",
): AsyncIterableIterator<Happening> {
  const authorization = token && `Bearer ${token}`;
  const client =
    over === "ws"
      ? createWsClient({
          url: `${url.replace("http", "ws")}/graphql/ws`,
          webSocketImpl: WebSocket,
          connectionParams: { authorization },
          retryAttempts: 0,
        })
      : createSseClient({
          url: `${url}/graphql/stream`,
          headers: authorization ? { authorization } : {},
          retryAttempts: 0,
        });
  const happenings = client.iterate({ query, variables }) as AsyncIterableIterator<Happening>;
  return (async function* () {
    try {
      yield* happenings;
    } catch (error) {
      if (!Array.isArray(error)) throw error;
      yield { data: null, errors: error as Happening["errors"] }; // the client throws what the server refused
    } finally {
      await happenings.return?.();
      await client.dispose();
    }
  })();
}

/** The first happening of a subscription, which is then ended. */
export async function firstOf(
  url: string,
  query: string,
  variables: Record<string, unknown>,
  token: string | undefined,
  over?: "ws" | "sse",
): Promise<Happening> {
  const happenings = subscribeTo(url, query, variables, token, over);
  const { value } = await happenings.next();
  await happenings.return?.();
  return value as Happening;
}
