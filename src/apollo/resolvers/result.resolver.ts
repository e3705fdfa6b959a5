import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const resultResolvers = {
  Query: {
    examResults: (_root, { examId, status, ...page }, context) =>
      context.services.results.list(requireActor(context), { examId, status }, page),
  },
  AttemptResult: {
    questions: ({ attemptId }, _args, { services }) => services.results.questions(attemptId),
    sections: async ({ attemptId }, _args, { services }) => (await services.scoreParts.of(attemptId))?.sections ?? null,
    adjustment: async ({ attemptId }, _args, { services }) =>
      (await services.scoreParts.of(attemptId))?.adjustment ?? null,
  },
  ExamResult: {
    student: ({ attempt: { userId } }, _args, { loaders }) => loaders.user.load(userId).then((user) => user!),
  },
} satisfies Resolvers;
