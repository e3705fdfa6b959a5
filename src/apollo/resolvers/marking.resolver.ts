import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const markingResolvers = {
  Query: {
    markingQueue: (_root, { examId }, context) => context.services.markingQueue.list(requireActor(context), examId),
    answerHistory: (_root, answer, context) => context.services.marking.history(requireActor(context), answer),
  },
  Mutation: {
    gradeAnswer: (_root, { input }, context) => context.services.marking.gradeAnswer(requireActor(context), input),
    gradeResponse: (_root, { input }, context) => context.services.marking.gradeResponse(requireActor(context), input),
    withdrawMark: (_root, { input }, context) => context.services.marking.withdrawMark(requireActor(context), input),
    claimResponses: (_root, input, context) => context.services.markingQueue.claim(requireActor(context), input),
    releaseClaim: (_root, { responseId }, context) =>
      context.services.markingQueue.release(requireActor(context), responseId),
  },
  AnswerMark: {
    markedBy: ({ markedById }, _args, { loaders }) => loaders.user.load(markedById),
  },
} satisfies Resolvers;
