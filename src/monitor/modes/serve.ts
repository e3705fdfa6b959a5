import type { Mode } from "../mode.ts";

export const serve: Mode = {
  name: "--serve",
  help: "serve web pages on MONITOR_PORT, behind a log-in",
  async run() {
    const { serveMonitor } = await import("../web/serve.ts"); // the whole application, which no other mode needs
    await serveMonitor();
    return undefined;
  },
};
