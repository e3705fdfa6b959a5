import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const groupResolvers = {
  Query: {
    courseGroup: (_root, { id }, context) => context.services.groups.get(requireActor(context), id),
    courseGroups: (_root, { courseId, ...page }, context) =>
      context.services.groups.list(requireActor(context), courseId, page),
  },
  Mutation: {
    createGroup: (_root, input, context) => context.services.groups.create(requireActor(context), input),
    renameGroup: (_root, input, context) => context.services.groups.rename(requireActor(context), input),
    deleteGroup: (_root, { groupId }, context) => context.services.groups.delete(requireActor(context), groupId),
    setGroupMembers: (_root, input, context) => context.services.groups.setMembers(requireActor(context), input),
    addGroupMembers: (_root, input, context) => context.services.groups.addMembers(requireActor(context), input),
    removeGroupMembers: (_root, input, context) => context.services.groups.removeMembers(requireActor(context), input),
  },
  CourseGroup: {
    memberCount: ({ id }, _args, { services }) => services.groups.memberCount(id),
    members: ({ id }, page, { services }) => services.groups.members(id, page),
  },
} satisfies Resolvers;
