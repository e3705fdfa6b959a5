import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const exchangeResolvers = {
  Query: {
    exportQuestions: (_root, args, context) => context.services.exchange.export(requireActor(context), args),
    questionFile: (_root, { id }, context) => context.services.questionFiles.get(requireActor(context), id),
  },
  Mutation: {
    importQuestionFile: (_root, { input }, context) =>
      context.services.questionFiles.requestImport(requireActor(context), input),
    exportQuestionFile: (_root, { input }, context) =>
      context.services.questionFiles.requestExport(requireActor(context), input),
    exportExam: (_root, args, context) => context.services.questionFiles.requestExam(requireActor(context), args),
    importQuestions: (_root, { input }, context) => context.services.exchange.import(requireActor(context), input),
  },
  QuestionFile: {
    entries: ({ id }, { outcome, ...page }, { services }) => services.questionFiles.entries(id, outcome ?? null, page),
    uploadUrl: (file, _args, { services }) => services.questionFiles.uploadUrl(file),
    downloadUrl: (file, _args, { services }) => services.questionFiles.downloadUrl(file),
  },
} satisfies Resolvers;
