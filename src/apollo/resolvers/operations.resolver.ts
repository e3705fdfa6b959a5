import type { Resolvers } from "../../generated/graphql.ts";
import type { ActName } from "../../queues/queueActs.ts";
import { requireActor } from "../../services/actor.ts";
import type { Context } from "../context.ts";

/** Every act has the same form: what it is asked, as arguments or as a filter, and whether to do it. */
const act =
  (name: ActName) =>
  (_root: unknown, { dryRun, filter, ...asked }: { dryRun: boolean; filter?: object }, context: Context) =>
    context.services.operations.act(requireActor(context), name, filter ?? asked, { dryRun });

export const operationsResolvers = {
  Query: {
    queues: (_root, _args, context) => context.services.operations.listQueues(requireActor(context)),
    queueJobs: (_root, asked, context) => context.services.operations.listJobs(requireActor(context), asked),
    queueJob: (_root, { queue, id }, context) => context.services.operations.showJob(requireActor(context), queue, id),
    deadLetters: async (_root, { queue, first, filter }, context) => {
      const wish = { ...filter, queue: filter?.queue ?? queue };
      const page = await context.services.operations.listDeadLetters(requireActor(context), wish, { first });
      return page.entries;
    },
    deadLetter: (_root, { id }, context) => context.services.operations.showDeadLetter(requireActor(context), id),
  },
  Mutation: {
    pauseQueue: act("pauseQueue"),
    resumeQueue: act("resumeQueue"),
    drainQueue: act("drainQueue"),
    retryJob: act("retryJob"),
    promoteJob: act("promoteJob"),
    removeJob: act("removeJob"),
    retryDeadLetters: act("retryDeadLetters"),
    discardDeadLetters: act("discardDeadLetters"),
    reenqueueFromOutbox: act("reenqueueFromOutbox"),
    retryDeadLetter: async (_root, { id }, context) => {
      await context.services.operations.retryDeadLetter(requireActor(context), id);
      return true;
    },
    discardDeadLetter: async (_root, { id }, context) => {
      await context.services.operations.discardDeadLetter(requireActor(context), id);
      return true;
    },
  },
} satisfies Resolvers;
