import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const lessonResolvers = {
  Query: {
    lesson: (_root, { id }, context) => context.services.lessons.get(requireActor(context), id),
  },
  Mutation: {
    createSection: (_root, { courseId, title }, context) =>
      context.services.sections.create(requireActor(context), courseId, title),
    updateSection: (_root, { id, title }, context) =>
      context.services.sections.rename(requireActor(context), id, title),
    deleteSection: (_root, { id }, context) => context.services.sections.remove(requireActor(context), id),
    reorderSections: (_root, { courseId, sectionIds }, context) =>
      context.services.sections.reorder(requireActor(context), courseId, sectionIds),
    createLesson: (_root, { input }, context) => context.services.lessons.create(requireActor(context), input),
    updateLesson: (_root, { id, input }, context) => context.services.lessons.update(requireActor(context), id, input),
    deleteLesson: (_root, { id }, context) => context.services.lessons.remove(requireActor(context), id),
    reorderLessons: (_root, { courseId, order }, context) =>
      context.services.lessons.reorder(requireActor(context), courseId, order),
  },
  Course: {
    contents: ({ id }, _args, context) => context.services.lessons.contents(requireActor(context), id),
  },
  Lesson: {
    text: (lesson, _args, context) => context.services.lessons.text(requireActor(context), lesson),
    video: ({ videoId }, _args, context) =>
      videoId === null ? null : context.services.videos.find(requireActor(context), videoId),
    exam: (lesson, _args, context) => context.services.lessons.exam(requireActor(context), lesson),
  },
} satisfies Resolvers;
