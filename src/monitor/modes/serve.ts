import type { Mode } from "../mode.ts";

export const serve: Mode = {
  name: "--serve",
  help: "serve web pages on MONITOR_PORT, behind a log-in; needs every variable that the server needs",
  async run() {
    const { serveMonitor } = await import("../web/serve.ts"); // the whole application, which no other mode needs
    await serveMonitor();
    return Number(process.exitCode ?? 0); // set where the configuration is not complete
  },
};
