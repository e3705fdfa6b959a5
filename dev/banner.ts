import type { DemoLogin } from "../prisma/demoLogins.ts";

export interface Running {
  port: number;
  workerPort: number;
  /** Where the mails are. */
  mails: string;
  databaseUrl: string;
  redisUrl: string;
  /** Undefined where nothing is embedded. */
  dataFolder?: string;
  /** Empty where the database holds something else than the demo school. */
  logins: DemoLogin[];
  /** What a reader would not expect, e.g. that a port was taken. */
  remarks: string[];
}

/** What a person sees when everything runs: where it is, who may log in, and a line to paste. */
export function banner({
  port,
  workerPort,
  mails,
  databaseUrl,
  redisUrl,
  dataFolder,
  logins,
  remarks,
}: Running): string {
  const api = `http://localhost:${port}`;
  const rows: [string, string][] = [
    ["Apollo Sandbox", `${api}/`],
    ["GraphQL", `${api}/graphql`],
    ["Ready?", `${api}/readyz   worker: http://localhost:${workerPort}/readyz`],
    ["Mails", mails],
    ["PostgreSQL", databaseUrl],
    ["Redis", redisUrl],
    ...(dataFolder ? [["Data", `${dataFolder} (delete it to start afresh)`] as [string, string]] : []),
    ...oneOfEachRole(logins).map(
      ({ role, email, password }, index) =>
        [index === 0 ? "Log in as" : "", `${email} / ${password}   ${role.toLowerCase()}`] as [string, string],
    ),
  ];
  const lines = [
    "",
    "Lectern is running. Ctrl-C stops it.",
    "",
    ...rows.map(([name, value]) => `  ${name.padEnd(16)}${value}`),
    ...remarks.map((remark) => `  ${remark}`),
    "",
    "Try it:",
    `  ${curl(`${api}/graphql`, logins)}`,
    "",
  ];
  return `${lines.join("\n")}\n`;
}

function curl(url: string, logins: DemoLogin[]): string {
  const who = logins.find(({ role }) => role === "STUDENT");
  const query = who
    ? `mutation { login(email: "${who.email}", password: "${who.password}") { accessToken user { name role } } }`
    : "{ me { name } }";
  return `curl -s ${url} -H 'content-type: application/json' -d '${JSON.stringify({ query })}'`;
}

function oneOfEachRole(logins: DemoLogin[]): DemoLogin[] {
  return [...new Map(logins.toReversed().map((login) => [login.role, login])).values()].toReversed();
}
