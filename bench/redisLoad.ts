import net from "node:net";
import type { LoadResult } from "./load.ts";

/** A command as Redis reads it. */
export const commandBytes = (...words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;

/**
 * Keeps this many connections to Redis busy with commands that answer a number, each sending its next when the answer to the last is
 * there: what `drive` does to a server, so that the two can be compared.
 * @throws Error for a broken connection or another answer
 */
export async function driveRedis({
  url,
  connections,
  seconds,
  next,
}: {
  url: string;
  connections: number;
  seconds: number;
  next: (connection: number) => string;
}): Promise<LoadResult> {
  const { hostname, port } = new URL(url);
  let done = 0;
  const begun = performance.now();
  const endAt = begun + seconds * 1000;

  const one = (connection: number) =>
    new Promise<void>((resolve, reject) => {
      const socket = net.connect({ port: Number(port), host: hostname, noDelay: true });
      let received = "";
      const send = () => socket.write(next(connection));
      socket.setEncoding("latin1");
      socket.once("connect", send);
      socket.once("error", reject);
      socket.once("close", () => reject(new Error("redis closed the connection")));
      socket.on("data", (chunk) => {
        received += chunk;
        if (!received.endsWith("\r\n")) return;
        if (!received.startsWith(":")) return void socket.destroy(new Error(`redis answered ${received}`));
        received = "";
        done += 1;
        if (performance.now() < endAt) return void send();
        socket.removeAllListeners("close");
        socket.end();
        resolve();
      });
    });

  await Promise.all(Array.from({ length: connections }, (_, connection) => one(connection)));
  return { done, seconds: (performance.now() - begun) / 1000 };
}
