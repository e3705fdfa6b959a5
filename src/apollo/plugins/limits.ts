import { maxAliasesRule } from "@escape.tech/graphql-armor-max-aliases";
import { maxDepthRule } from "@escape.tech/graphql-armor-max-depth";
import { GraphQLError, type ParseOptions, type ValidationContext, type ValidationRule } from "graphql";

/** Wide enough for every screen of a front end, narrow enough that one request cannot occupy the server. */
export const LIMITS = { depth: 12, aliases: 30, tokens: 2_000 };

export const parseOptions: ParseOptions = { maxTokens: LIMITS.tokens };

/** Reported like every other mistake in an operation: what a rule throws, Apollo takes for a fault of the server. */
const report = (context: ValidationContext | null, { message }: GraphQLError) =>
  context?.reportError(new GraphQLError(message.replace(/^Syntax Error: /, "")));
const visible = { propagateOnRejection: false, exposeLimits: true, onReject: [report] };

/** Run once for each operation text: Apollo remembers what it has validated. */
export const limitRules: ValidationRule[] = [
  maxDepthRule({ n: LIMITS.depth, ignoreIntrospection: true, ...visible }),
  maxAliasesRule({ n: LIMITS.aliases, ...visible }),
];
