import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const resultResolvers = {
  Query: {
    examResults: (_root, { examId, status, ...page }, context) =>
      context.services.results.list(requireActor(context), { examId, status }, page),
    finalResults: (_root, { examId, ...page }, context) =>
      context.services.finalResults.list(requireActor(context), examId, page),
    myResult: (_root, { examId }, context) => context.services.finalResults.own(requireActor(context), examId),
    resultFile: (_root, { id }, context) => context.services.resultFiles.get(requireActor(context), id),
  },
  Mutation: {
    exportResults: (_root, input, context) => context.services.resultFiles.request(requireActor(context), input),
  },
  AttemptResult: {
    questions: (result, _args, context) => context.services.results.questions(requireActor(context), result),
    sections: async (result, _args, { services }) => (await services.results.parts(result))?.sections ?? null,
    adjustment: async (result, _args, { services }) => (await services.results.parts(result))?.adjustment ?? null,
  },
  ExamResult: {
    student: ({ attempt: { userId } }, _args, { loaders }) => loaders.user.load(userId).then((user) => user!),
  },
  FinalResult: {
    student: ({ userId }, _args, { loaders }) => loaders.user.load(userId).then((user) => user!),
  },
  ResultFile: {
    downloadUrl: (file, _args, { services }) => services.resultFiles.downloadUrl(file),
  },
} satisfies Resolvers;
