// What watch progress costs a server at the least: it reads the body and appends it to a list in Redis, and nothing else.
import http from "node:http";
import { Redis } from "ioredis";

const redis = new Redis(process.env.REDIS_URL);
const server = http.createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", async () => {
    const { variables } = JSON.parse(body);
    const length = await redis.rpush(`bare:http:${variables.viewer}`, JSON.stringify(variables));
    const text = JSON.stringify({ length });
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
    response.end(text);
  });
});
server.keepAliveTimeout = 75_000;
server.listen(Number(process.env.PORT), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
