import type { FastifyInstance } from "fastify";
import { request } from "undici";
import { createMonitorApp } from "../../../src/monitor/web/app.ts";
import { TICKET_COOKIE } from "../../../src/monitor/web/guard.ts";
import { createReadiness } from "../../../src/readiness.ts";
import { createLogger } from "../../../src/utils/logger.ts";
import { password } from "../../support/accounts.ts";
import type { TestApp } from "../../support/testApp.ts";

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
}

/** The monitor's pages over the installation of a test app. */
export async function startMonitor({
  container,
  config,
}: Pick<TestApp, "container" | "config">): Promise<FastifyInstance & { url: string }> {
  const log = createLogger({ level: config.LOG_LEVEL, pretty: false, program: "test" });
  const readiness = createReadiness({ db: container.db, redis: container.queueRedis });
  const monitor = await createMonitorApp({ container, readiness, config, log });
  const url = await monitor.listen({ host: config.HOST, port: 0 });
  return Object.assign(monitor, { url });
}

/** A browser as far as the monitor sees one: it keeps the cookie and says where its forms are from. */
export function aVisitor(url: string) {
  let cookie = "";

  // Not with `fetch`, which does not let its caller say that it is a navigation.
  async function send(path: string, { method = "GET", headers = {}, body = "" } = {}): Promise<Answer> {
    const response = await request(url + path, {
      method: method as "GET",
      headers: { accept: "text/html", "sec-fetch-mode": "navigate", ...(cookie && { cookie }), ...headers },
      body: body || null,
    });
    const given = [response.headers["set-cookie"] ?? []].flat().find((line) => line.startsWith(TICKET_COOKIE));
    if (given) cookie = given.split(";")[0]!;
    const answered = Object.entries(response.headers).map(([name, value]) => [name, String(value)] as [string, string]);
    return { status: response.statusCode, headers: new Headers(answered), text: await response.body.text() };
  }

  const visitor = {
    send,
    /** The cookie as the browser would send it. */
    get cookie() {
      return cookie;
    },
    set cookie(value) {
      cookie = value;
    },
    open: (path: string) => send(path),
    /** Sends a form, with the token that the pages of this session carry unless another is given. */
    async submit(path: string, fields: Record<string, string>, headers = {}): Promise<Answer> {
      const token = cookie && /name="token" value="([^"]+)"/.exec((await send("/dead-letters")).text)?.[1];
      const body = new URLSearchParams({ ...(token && { token }), ...fields }).toString();
      const form = { origin: url, "content-type": "application/x-www-form-urlencoded" };
      return send(path, { method: "POST", body, headers: { ...form, ...headers } });
    },
    logIn: (email: string, more: Record<string, string> = {}) => visitor.submit("/login", { email, password, ...more }),
  };
  return visitor;
}
