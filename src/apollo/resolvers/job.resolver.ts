import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";
import type { JobStatus } from "../../utils/jobStatus.ts";

export const jobResolvers = {
  Query: {
    job: (_root, { queue, id }, context) => context.services.jobs.get(requireActor(context), queue, id),
    deadLetters: (_root, { queue, first }, context) =>
      context.services.jobs.listDeadLetters(requireActor(context), { queue, first }),
  },
  Mutation: {
    retryDeadLetter: async (_root, { id }, context) => {
      await context.services.jobs.retryDeadLetter(requireActor(context), id);
      return true;
    },
    discardDeadLetter: async (_root, { id }, context) => {
      await context.services.jobs.discardDeadLetter(requireActor(context), id);
      return true;
    },
  },
  Subscription: {
    jobChanged: {
      subscribe: (_root, { queue, id }, context) => context.services.jobs.watch(requireActor(context), queue, id),
      resolve: (job: JobStatus) => job,
    },
  },
} satisfies Resolvers;
