import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const regradingResolvers = {
  Query: {
    regrading: (_root, { id }, context) => context.services.regradings.get(requireActor(context), id),
    regradings: (_root, { examId, ...page }, context) =>
      context.services.regradings.list(requireActor(context), examId, page),
  },
  Mutation: {
    regradeExam: (_root, { input }, context) => context.services.regradings.regrade(requireActor(context), input),
    applyRegrading: (_root, { id }, context) => context.services.regradings.apply(requireActor(context), id),
    undoRegrading: (_root, { id, reason }, context) =>
      context.services.regradings.undo(requireActor(context), id, reason),
  },
  Regrading: {
    by: ({ actorId }, _args, { loaders }) => loaders.user.load(actorId).then((user) => user!),
    entries: ({ id }, page, { services }) => services.regradings.entries(id, page),
  },
  RegradingEntry: {
    student: ({ userId }, _args, { loaders }) => loaders.user.load(userId).then((user) => user!),
  },
} satisfies Resolvers;
