import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const courseResolvers = {
  Query: {
    course: (_root, { id }, context) => context.services.courses.get(requireActor(context), id),
    courses: (_root, page, context) => context.services.courses.list(requireActor(context), page),
  },
  Mutation: {
    createCourse: (_root, { input }, context) => context.services.courses.create(requireActor(context), input),
    enrollStudents: (_root, { input }, context) => context.services.courses.enroll(requireActor(context), input),
    withdrawStudent: (_root, { courseId, userId }, context) =>
      context.services.courses.withdraw(requireActor(context), courseId, userId),
  },
  Course: {
    viewerRole: ({ id }, _args, context) => context.services.courses.viewerRole(requireActor(context), id),
    enrollments: ({ id }, page, context) => context.services.courses.listEnrollments(requireActor(context), id, page),
  },
} satisfies Resolvers;
