import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const questionResolvers = {
  Question: { sanitised: ({ sanitised }) => [...(sanitised ?? [])] },
  Query: {
    questionTypes: (_root, _args, { services }) => services.questions.types(),
    question: (_root, { id }, context) => context.services.questions.get(requireActor(context), id),
    questions: (_root, { courseId, tag, search, ...page }, context) =>
      context.services.questions.list(requireActor(context), { courseId, tag, search }, page),
  },
  Mutation: {
    createQuestion: (_root, { courseId, input }, context) =>
      context.services.questions.create(requireActor(context), courseId, input),
    updateQuestion: (_root, { id, input }, context) =>
      context.services.questions.update(requireActor(context), id, input),
  },
} satisfies Resolvers;
