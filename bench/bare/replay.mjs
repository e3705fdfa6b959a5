// The limit of a cached read: a bare server that reads the body and replays the same bytes.
import { readFileSync } from "node:fs";
import http from "node:http";

const bytes = readFileSync(process.env.REPLAY_FILE);

const server = http.createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", () => {
    response.writeHead(body.length > 0 ? 200 : 400, {
      "content-type": "application/json; charset=utf-8",
      "content-length": bytes.length,
    });
    response.end(bytes);
  });
});
server.keepAliveTimeout = 75_000;
server.listen(Number(process.env.PORT), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
