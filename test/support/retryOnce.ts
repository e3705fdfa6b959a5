import { jest } from "@jest/globals";

// Many tests start programs and wait for them; on a shared machine one may starve for a minute. What fails twice has failed, and
// the first failure is printed all the same.
if (process.env.CI) jest.retryTimes(1, { logErrorsBeforeRetry: true });
