import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const answerFileResolvers = {
  Query: {
    answerFiles: (_root, { attemptId }, context) =>
      context.services.answerFileDownloads.list(requireActor(context), attemptId),
  },
  Mutation: {
    createAnswerFile: (_root, file, context) => context.services.answerFiles.createTicket(requireActor(context), file),
    deleteAnswerFile: (_root, { id }, context) => context.services.answerFiles.delete(requireActor(context), id),
  },
} satisfies Resolvers;
