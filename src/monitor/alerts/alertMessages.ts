import type { RenderedMail } from "../../mails/mailTemplates.ts";
import type { Alert, Notice } from "./alertState.ts";

/** One line for a subject or a list of notifications. */
export function headline({ began, over, still }: Notice): string {
  const counts = [
    [began.length, "new"],
    [over.length, "over"],
    [still.length, "going on"],
  ] as const;
  const said = counts.filter(([count]) => count > 0).map(([count, state]) => `${count} ${state}`);
  const names = [...new Set([...began, ...(began.length > 0 ? [] : [...still, ...over])].map(({ rule }) => rule))];
  return `Lectern: ${said.join(", ")}: ${names.join(", ")}`;
}

/** The message for readers: what began with what to do, what is over, what is going on. */
export function textOf(notice: Notice): string {
  const parts = [
    [headline(notice)],
    ...notice.began.map((alert) => [
      `${alert.severity.toUpperCase()} ${nameOf(alert)}`,
      alert.says,
      `→ ${alert.remedy}`,
    ]),
    ...notice.over.map((alert) => [
      `OVER ${nameOf(alert)}`,
      `${alert.says} From ${timeOf(alert.since)} to ${timeOf(alert.wellSince ?? notice.at)}.`,
      ...(alert.isAnnounced ? [] : [`→ ${alert.remedy}`]), // nobody was told while it lasted
    ]),
    ...notice.still.map((alert) => [
      `STILL ${nameOf(alert)} since ${timeOf(alert.since)}`,
      alert.says,
      ...(notice.began.length + notice.over.length === 0 ? [`→ ${alert.remedy}`] : []), // a repetition stands for itself
    ]),
  ];
  return parts.map((lines) => lines.join("\n")).join("\n\n");
}

/** The body of a webhook. `text` is what Slack, Mattermost and Rocket.Chat show; the rest is for programs. */
export function webhookBody(id: string, notice: Notice) {
  const facts = (status: "began" | "over" | "still") => (alert: Alert) => {
    const { rule, subject, severity, says, remedy, since, wellSince } = alert;
    return { status, rule, subject, severity, says, remedy, since, until: status === "over" ? wellSince : null };
  };
  return {
    id,
    at: notice.at,
    text: textOf(notice),
    alerts: [
      ...notice.began.map(facts("began")),
      ...notice.over.map(facts("over")),
      ...notice.still.map(facts("still")),
    ],
  };
}

export function mailOf(notice: Notice): RenderedMail {
  const text = textOf(notice);
  return { subject: headline(notice), text, html: `<pre style="white-space: pre-wrap">${escaped(text)}</pre>` };
}

const nameOf = ({ rule, subject }: Alert) => `${rule} (${subject})`;
const timeOf = (iso: string) => `${iso.slice(0, 19).replace("T", " ")} UTC`;
const escaped = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
