// The limit of log-ins: a server that checks one argon2id hash for each request and does nothing else.
import http from "node:http";
import { verify } from "@node-rs/argon2";

const { HASH, PASSWORD, PORT } = process.env;
const server = http.createServer(async (request, response) => {
  request.resume();
  const body = JSON.stringify({ matches: await verify(HASH, PASSWORD) });
  response.writeHead(200, { "content-length": body.length }).end(body);
});
server.listen(Number(PORT), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
