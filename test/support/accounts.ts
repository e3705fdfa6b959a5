import { uuidv7 } from "uuidv7";
import type { UserRole } from "../../src/generated/prisma/enums.ts";
import { hashSecret } from "../../src/services/passwords.ts";
import type { GraphqlAnswer, TestApp } from "./testApp.ts";

/** The password of everybody here. */
export const password = "correct horse battery staple";
const passwordHash = hashSecret(password);

/** Somebody who can log in. */
export async function anAccount({ container }: Pick<TestApp, "container">, { role = "STUDENT" as UserRole } = {}) {
  const id = uuidv7();
  const email = `${id}@school.example`;
  await container.db.user.create({
    data: { id, email, role, name: "Person", passwordHash: await passwordHash, emailVerifiedAt: new Date() },
  });
  return { id, email };
}

export const LOGIN = `mutation ($email: String!, $password: String!, $mode: SessionMode) {
  login(email: $email, password: $password, mode: $mode) {
    accessToken accessTokenExpiresAt refreshToken refreshTokenExpiresAt secondFactorSetupRequired user { id email lastLoginAt }
  }
}`;
export const REFRESH = `mutation ($token: String) {
  refreshSession(refreshToken: $token) { accessToken accessTokenExpiresAt refreshToken refreshTokenExpiresAt user { id } }
}`;
export const LOGOUT = "mutation ($token: String) { logout(refreshToken: $token) }";
export const ME = "{ me { id email } }";

export interface LoggedIn {
  accessToken: string;
  accessTokenExpiresAt: string;
  refreshToken: string;
  refreshTokenExpiresAt: string;
  user: { id: string; email: string; lastLoginAt: string };
}

/** The tokens of a new session of this person. */
export async function logIn(app: TestApp, email: string): Promise<LoggedIn> {
  return (await app.ask(LOGIN, { email, password })).data.login;
}

/** A request with headers of its own. */
export async function askWith(
  { url }: Pick<TestApp, "url">,
  headers: Record<string, string>,
  query: string,
  variables: Record<string, unknown> = {},
): Promise<GraphqlAnswer> {
  const response = await fetch(`${url}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.json()) as Pick<GraphqlAnswer, "data" | "errors">;
  return { status: response.status, headers: response.headers, ...body };
}
