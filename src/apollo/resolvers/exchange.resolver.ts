import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const exchangeResolvers = {
  Query: {
    exportQuestions: (_root, args, context) => context.services.exchange.export(requireActor(context), args),
  },
  Mutation: {
    importQuestions: (_root, { input }, context) => context.services.exchange.import(requireActor(context), input),
  },
} satisfies Resolvers;
