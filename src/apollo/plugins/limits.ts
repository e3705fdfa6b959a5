import { costLimitRule } from "@escape.tech/graphql-armor-cost-limit";
import { maxAliasesRule } from "@escape.tech/graphql-armor-max-aliases";
import { maxDepthRule } from "@escape.tech/graphql-armor-max-depth";
import type { ParseOptions, ValidationRule } from "graphql";

/** Wide enough for every screen of a front end, narrow enough that one request cannot occupy the server. */
export const LIMITS = { depth: 12, aliases: 30, tokens: 2_000, cost: 5_000 };

export const parseOptions: ParseOptions = { maxTokens: LIMITS.tokens };

const visible = { propagateOnRejection: true, exposeLimits: true };

/** Run once for each operation text: Apollo remembers what it has validated. */
export const limitRules: ValidationRule[] = [
  maxDepthRule({ n: LIMITS.depth, ignoreIntrospection: true, ...visible }),
  maxAliasesRule({ n: LIMITS.aliases, ...visible }),
  costLimitRule({ maxCost: LIMITS.cost, ignoreIntrospection: true, ...visible }),
];
