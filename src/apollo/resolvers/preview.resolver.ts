import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const previewResolvers = {
  Query: {
    previewQuestion: (_root, { question, seed }, context) =>
      context.services.previews.question(requireActor(context), question, seed),
    tryQuestion: (_root, { question, response }, context) =>
      context.services.previews.try(requireActor(context), question, response),
    previewExam: (_root, { examId, seed }, context) =>
      context.services.previews.exam(requireActor(context), examId, seed),
  },
} satisfies Resolvers;
