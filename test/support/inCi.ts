import { jest } from "@jest/globals";

if (process.env.CI) {
  // Many tests start programs and wait for them; on a shared machine one may starve for a minute. What fails twice has failed, and
  // the first failure is printed all the same.
  jest.retryTimes(1, { logErrorsBeforeRetry: true });
  // A change is not refused for what it did not touch: elsewhere properties are tried with other cases every time.
  const { default: fc } = await import("fast-check");
  fc.configureGlobal({ seed: 1 });
}
