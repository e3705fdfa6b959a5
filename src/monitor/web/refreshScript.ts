/** Served as /refresh.js: brings the page's `main` up to date, and says so when it cannot. */
export const REFRESH_SCRIPT = `
"use strict";
const everyMs = 5_000;
async function refresh() {
  if (document.hidden) return;
  try {
    const response = await fetch(location.href, { signal: AbortSignal.timeout(4 * everyMs) });
    if (response.status === 401) return location.assign("/login");
    if (!response.ok) throw new Error(response.statusText);
    const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
    document.querySelector("main").replaceWith(fresh.querySelector("main"));
    document.body.classList.remove("stale");
  } catch {
    document.body.classList.add("stale");
  }
}
async function keepFresh() {
  await refresh();
  setTimeout(keepFresh, everyMs);
}
setTimeout(keepFresh, everyMs);
document.addEventListener("visibilitychange", refresh);
`;
