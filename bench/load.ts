import net from "node:net";

export interface LoadResult {
  done: number;
  seconds: number;
}

const LONGEST_ANSWER_MS = 30_000;

/** The bytes of a POST over a connection that stays open; of a visitor's, without a token. */
export const postBytes = (body: string, token?: string): string =>
  `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n${token === undefined ? "" : `authorization: Bearer ${token}\r\n`}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/**
 * Keeps this many connections busy, each sending its next request when the answer to the last is there; stops asking when the
 * time is over and waits for what is under way. Written on sockets, because a client library costs more than some of the servers.
 * @param next the bytes of a connection's next request
 * @param onAnswer what came back, in the order of that connection's requests
 * @throws Error for a broken connection or an answer without a content-length
 */
export async function drive({
  port,
  connections,
  seconds,
  next,
  onAnswer,
}: {
  port: number;
  connections: number;
  seconds: number;
  next: (connection: number) => string;
  onAnswer: (connection: number, status: number, body: Buffer) => void;
}): Promise<LoadResult> {
  let done = 0;
  const begun = performance.now();
  const endAt = begun + seconds * 1000;

  const one = (connection: number) =>
    new Promise<void>((resolve, reject) => {
      const socket = net.connect({ port, host: "127.0.0.1", noDelay: true });
      let received: Buffer = Buffer.alloc(0);
      const send = () => socket.write(next(connection));
      socket.setTimeout(LONGEST_ANSWER_MS, () => socket.destroy(new Error("a request was not answered")));
      socket.once("connect", send);
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("the server closed the connection")));
      socket.on("data", (chunk) => {
        received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
        const headEnd = received.indexOf("\r\n\r\n");
        if (headEnd < 0) return;
        const head = received.toString("latin1", 0, headEnd);
        const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
        if (length === undefined) return void socket.destroy(new Error(`an answer without a length: ${head}`));
        const end = headEnd + 4 + Number(length);
        if (received.length < end) return;
        done += 1;
        try {
          onAnswer(connection, Number(head.slice(9, 12)), received.subarray(headEnd + 4, end));
        } catch (error) {
          return void socket.destroy(error as Error);
        }
        received = Buffer.alloc(0);
        if (performance.now() < endAt) return void send();
        socket.removeAllListeners("close");
        socket.end();
        resolve();
      });
    });

  await Promise.all(Array.from({ length: connections }, (_, connection) => one(connection)));
  return { done, seconds: (performance.now() - begun) / 1000 };
}
