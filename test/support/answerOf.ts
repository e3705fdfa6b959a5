import type { TestApp } from "./testApp.ts";

/** What the one field of an operation answers, which must not fail. */
export async function answerOf(
  app: TestApp,
  { token }: { token: string },
  operation: string,
  variables: Record<string, unknown>,
) {
  const { data, errors } = await app.ask(operation, variables, token);
  if (errors) throw new Error(JSON.stringify(errors));
  // biome-ignore lint/suspicious/noExplicitAny: answers of any shape come over the wire
  return Object.values(data)[0] as any;
}
