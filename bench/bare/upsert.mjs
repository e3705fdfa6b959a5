// The limit of a save: a bare server that does one prepared upsert per request on a pool, and nothing else.
import http from "node:http";
import pg from "pg";

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 10 });

const UPSERT = `
  INSERT INTO answers (attempt_id, question_version_id, response, revision, saved_at) VALUES ($1, $2, $3, $4, now())
  ON CONFLICT (attempt_id, question_version_id) DO UPDATE
    SET response = excluded.response, revision = excluded.revision, saved_at = excluded.saved_at
    WHERE answers.revision < excluded.revision`;

const server = http.createServer((request, response) => {
  let body = "";
  request.setEncoding("utf8");
  request.on("data", (chunk) => {
    body += chunk;
  });
  request.on("end", async () => {
    const { attemptId, versionId, answer, revision } = JSON.parse(body);
    const values = [attemptId, versionId, JSON.stringify(answer), revision];
    const saved = await pool.query({ name: "upsert", text: UPSERT, values });
    const text = JSON.stringify({ revision, saved: saved.rowCount === 1 });
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(text) });
    response.end(text);
  });
});
server.keepAliveTimeout = 75_000;
server.listen(Number(process.env.PORT), "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
