import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const secondFactorResolvers = {
  Mutation: {
    setUpSecondFactor: (_root, { password }, context) =>
      context.services.secondFactor.setUp(requireActor(context), password),
    confirmSecondFactor: (_root, { code }, context) =>
      context.services.secondFactor.confirm(requireActor(context), code),
    renewRecoveryCodes: (_root, { password, code }, context) =>
      context.services.secondFactor.renewRecoveryCodes(requireActor(context), password, code),
    removeSecondFactor: async (_root, { password, code }, context) => {
      await context.services.secondFactor.remove(requireActor(context), password, code);
      return true;
    },
  },
} satisfies Resolvers;
