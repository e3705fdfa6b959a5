import type { ExecutionResult } from "graphql";
import { unauthenticated } from "../domain/errors.ts";

/** The longest that Node's timers can wait. */
const LONGEST_MS = 2_147_483_647;

/**
 * The results of a subscription for as long as the viewer's token is good; then it fails with UNAUTHENTICATED, so that
 * the stream of somebody who may no longer come here does not live on.
 * By hand and not as a generator: a generator that waits for its next result cannot be ended before that comes.
 */
export function untilExpiry(
  results: AsyncGenerator<ExecutionResult>,
  msLeft: number,
): Pick<AsyncGenerator<ExecutionResult>, "next" | "return" | "throw"> {
  let hasExpired = false;
  const timer = setTimeout(
    () => {
      hasExpired = true;
      void results.return(undefined); // only stops listening: whoever waits for the next result gets the end
    },
    Math.min(msLeft, LONGEST_MS),
  ).unref(); // no reason for a process to live on
  const end = <Last>(last: Last): Last => {
    clearTimeout(timer);
    return last;
  };

  return {
    async next() {
      const result = await results.next().catch((error) => {
        throw end(error);
      });
      if (hasExpired) {
        hasExpired = false;
        throw unauthenticated("The access token has expired. Come again with a new one.");
      }
      return result.done ? end(result) : result;
    },
    return: () => results.return(undefined).then(end),
    throw: (error) => results.throw(error).then(end),
  };
}
