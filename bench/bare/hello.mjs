// The limit of a start: the least server that answers.
import http from "node:http";

const server = http.createServer((_request, response) => response.end("ready"));
server.listen(Number(process.env.PORT), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
