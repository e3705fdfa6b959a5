// The limit of job throughput: a BullMQ worker whose handler does nothing.
import http from "node:http";
import { Worker } from "bullmq";
import { Redis } from "ioredis";

const connection = new Redis(process.env.REDIS_URL, { maxRetriesPerRequest: null });
const worker = new Worker("bare", async () => {}, { connection, prefix: "bare", concurrency: 8 });
await worker.waitUntilReady();
const server = http.createServer((_request, response) => response.end());
server.listen(Number(process.env.PORT), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
