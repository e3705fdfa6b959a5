import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";
import type { JobStatus } from "../../utils/jobStatus.ts";

export const jobResolvers = {
  Query: {
    job: (_root, { queue, id }, context) => context.services.jobs.get(requireActor(context), queue, id),
  },
  Subscription: {
    jobChanged: {
      subscribe: (_root, { queue, id }, context) => context.services.jobs.watch(requireActor(context), queue, id),
      resolve: (job: JobStatus) => job,
    },
  },
} satisfies Resolvers;
