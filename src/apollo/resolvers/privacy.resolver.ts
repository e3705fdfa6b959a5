import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const privacyResolvers = {
  Mutation: {
    exportMyData: (_root, _args, context) => context.services.privacy.exportMyData(requireActor(context)),
    deleteMyAccount: (_root, { password }, context) =>
      context.services.privacy.deleteMyAccount(requireActor(context), password),
    cancelAccountDeletion: (_root, _args, context) =>
      context.services.privacy.cancelAccountDeletion(requireActor(context)),
  },
} satisfies Resolvers;
