import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const questionResolvers = {
  Query: {
    questionTypes: (_root, _args, { services }) => services.questions.types(),
    question: (_root, { id, version }, context) => context.services.questions.get(requireActor(context), id, version),
    questions: (_root, { courseId, filter, sort, ...page }, context) =>
      context.services.questions.list(requireActor(context), { courseId, filter, sort }, page),
    questionTags: (_root, { courseId }, context) => context.services.questions.tags(requireActor(context), courseId),
    questionFolders: (_root, { courseId }, context) =>
      context.services.questionFolders.list(requireActor(context), courseId),
  },
  Mutation: {
    createQuestion: (_root, { courseId, input }, context) =>
      context.services.questions.create(requireActor(context), courseId, input),
    updateQuestion: (_root, { id, input }, context) =>
      context.services.questions.update(requireActor(context), id, input),
    editQuestions: (_root, { input }, context) => context.services.questionEdits.edit(requireActor(context), input),
    archiveQuestions: (_root, { input }, context) =>
      context.services.questionEdits.archive(requireActor(context), input, { archived: true }),
    unarchiveQuestions: (_root, { input }, context) =>
      context.services.questionEdits.archive(requireActor(context), input, { archived: false }),
    deleteQuestions: (_root, { input }, context) => context.services.questionEdits.remove(requireActor(context), input),
    createQuestionFolder: (_root, { input }, context) =>
      context.services.questionFolders.create(requireActor(context), input),
    updateQuestionFolder: (_root, { id, input }, context) =>
      context.services.questionFolders.update(requireActor(context), id, input),
    deleteQuestionFolder: (_root, { id }, context) =>
      context.services.questionFolders.remove(requireActor(context), id),
  },
  Question: {
    sanitised: ({ sanitised }) => [...(sanitised ?? [])],
    folder: ({ courseId, folderId }, _args, { loaders }) =>
      folderId === null ? null : loaders.questionFolder.load({ courseId, folderId }),
    versions: ({ id }, _args, { loaders }) => loaders.questionVersions.load(id),
  },
} satisfies Resolvers;
