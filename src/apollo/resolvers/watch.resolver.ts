import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const watchResolvers = {
  Mutation: {
    recordWatchProgress: (_root, { videoId, ...watched }, context) =>
      context.services.watch.record(requireActor(context), videoId, watched),
  },
} satisfies Resolvers;
