import { uuidv7 } from "uuidv7";
import { lookEveryMs } from "../alerts/alertRules.ts";
import { readAlertConfig, startAlerts } from "../alerts/startAlerts.ts";
import type { Mode } from "../mode.ts";
import { withMonitor } from "../withMonitor.ts";
import { logLines } from "./lines.ts";

export const alert: Mode = {
  name: "--alert",
  help: "as --lines, and tell by webhook and mail what goes wrong",
  run(call) {
    const config = readAlertConfig(call.env);
    const everyMs = call.intervalMs ?? lookEveryMs;
    return withMonitor(
      call,
      async (monitor) => {
        const alerts = startAlerts({ ...monitor, config, takeSnapshot: monitor.snapshot, newId: uuidv7, everyMs });
        try {
          await logLines(monitor, everyMs);
        } finally {
          await alerts.close();
        }
        return 0;
      },
      { isLog: true },
    );
  },
};
