import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";
import type { ExamStatistics } from "../../services/examAnalysis.ts";

export const analysisResolvers = {
  Query: {
    examStatistics: (_root, { examId }, context) => context.services.analysis.get(requireActor(context), examId),
  },
  Mutation: {
    analyzeExam: (_root, { examId, attempts }, context) =>
      context.services.analysis.request(requireActor(context), examId, attempts),
  },
  Subscription: {
    examAnalysisChanged: {
      subscribe: (_root, { examId }, context) => context.services.analysis.watch(requireActor(context), examId),
      resolve: (statistics: ExamStatistics | null) => statistics,
    },
  },
} satisfies Resolvers;
