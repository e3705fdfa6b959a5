import type { FastifyInstance } from "fastify";

const SANDBOX = "https://embeddable-sandbox.cdn.apollographql.com";
const PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lectern</title>
<style>
  body { margin: 0; font: 16px/1.5 system-ui, sans-serif; }
  main { max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
  pre { background: #f2f2f2; padding: 1rem; overflow-x: auto; }
  #sandbox { height: 100vh; width: 100vw; }
  #sandbox:empty { display: none; }
</style>
<div id="sandbox"></div>
<main>
  <h1>Lectern</h1>
  <p>This is the GraphQL server of an exam platform. Above, Apollo Sandbox opens when this browser can reach the internet.
  Without it, send a query to <code>/graphql</code> from here:</p>
  <pre id="curl"></pre>
  <p>Log in first, then send the access token along:
  <code>mutation { login(email: "…", password: "…") { accessToken } }</code> and <code>Authorization: Bearer …</code>.
  Subscriptions: WebSocket at <code>/graphql/ws</code>, server-sent events at <code>/graphql/stream</code>.</p>
</main>
<script>
  document.getElementById("curl").textContent =
    "curl " + location.origin + "/graphql -H 'content-type: application/json' -d '{\\"query\\":\\"{ serverTime }\\"}'";
</script>
<script src="${SANDBOX}/_latest/embeddable-sandbox.umd.production.min.js"></script>
<script>
  if (window.EmbeddedSandbox)
    new window.EmbeddedSandbox({ target: "#sandbox", initialEndpoint: location.origin + "/graphql", initialSubscriptionEndpoint: location.origin.replace("http", "ws") + "/graphql/ws" });
</script>
</html>
`;

/** Apollo Sandbox at `/`, with a page below it that still helps where the browser has no internet. For development. */
export function landingPage(app: FastifyInstance): void {
  app.get("/", (_request, reply) =>
    reply
      .type("text/html")
      .header(
        "content-security-policy",
        `default-src 'self' 'unsafe-inline' ${SANDBOX} https://sandbox.embed.apollographql.com; connect-src *; img-src * data:`,
      )
      .send(PAGE),
  );
}
