import type { MonitorViewer } from "../../services/monitorSessions.ts";
import { type Html, html } from "./html.ts";

/** Who sees a page. */
export interface Visit {
  viewer: MonitorViewer;
  /** Goes with every form. */
  formToken: string;
}

const NAVIGATION = [
  { path: "/", text: "Overview" },
  { path: "/dead-letters", text: "Dead letters" },
  { path: "/acts", text: "Acts", isForActing: true },
  { path: "/board/", text: "All jobs" },
];

const document = (title: string, body: Html, head: Html = html``): string =>
  html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${title} · Lectern</title>
<link rel="stylesheet" href="/style.css">
<link rel="icon" href="data:,">
${head}
</head>
${body}
</html>
`.text;

/** A page behind the log-in. @param isLive whether it brings itself up to date */
export function page(
  { viewer, formToken }: Visit,
  { title, at, main, isLive = false }: { title: string; at: string; main: Html; isLive?: boolean },
): string {
  const links = NAVIGATION.filter(({ isForActing }) => viewer.mayAct || !isForActing).map(
    ({ path, text }) => html`<a href="${path}"${path === at && html` aria-current="page"`}>${text}</a>`,
  );
  return document(
    title,
    html`<body>
<header>
  <a class="name" href="/">Lectern</a>
  <nav>${links}</nav>
  <div class="who">
    <span title="${viewer.email}">${viewer.email}${!viewer.mayAct && " · looks only"}</span>
    <form class="inline" method="post" action="/logout"><input type="hidden" name="token" value="${formToken}"><button>Log out</button></form>
  </div>
</header>
<p class="notice bad stale-notice" role="alert">The monitor does not answer: this page is not up to date.</p>
<main>${main}</main>
</body>`,
    isLive ? html`<script src="/refresh.js" defer></script>` : undefined,
  );
}

/** The way in. */
export const logInPage = ({ email = "", problem }: { email?: string; problem?: string } = {}): string =>
  document(
    "Log in",
    html`<body>
<main class="log-in">
  <h1>Lectern monitor</h1>
  ${problem && html`<p class="notice bad" role="alert">${problem}</p>`}
  <form class="stack" method="post" action="/login">
    <label>E-mail address <input type="email" name="email" value="${email}" autocomplete="username" required ${!email && html`autofocus`}></label>
    <label>Password <input type="password" name="password" autocomplete="current-password" required ${email && html`autofocus`}></label>
    <label>Code of the authenticator app, if you have one <input name="code" autocomplete="one-time-code"></label>
    <button class="main">Log in</button>
  </form>
</main>
</body>`,
  );

/** A refusal or a fault, in words. */
export const problemPage = (title: string, message: string): string =>
  document(
    title,
    html`<body>
<main class="log-in">
  <h1>${title}</h1>
  <p class="notice bad" role="alert">${message}</p>
  <p><a href="/">To the overview</a></p>
</main>
</body>`,
  );
