import type { Resolvers } from "../../generated/graphql.ts";
import { emailQueue } from "../../queues/email.queue.ts";
import { requireActor } from "../../services/actor.ts";

export const emailResolvers = {
  Query: {
    getEmailJobStatus: (_root, { jobId }, context) =>
      context.services.jobs.get(requireActor(context), emailQueue.name, jobId),
  },
  Mutation: {
    sendEmailQueued: (_root, { input }, context) => context.services.mails.sendQueued(requireActor(context), input),
  },
} satisfies Resolvers;
