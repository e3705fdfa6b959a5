import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const peopleResolvers = {
  AuditEntry: {
    actor: ({ actorId }, _args, { loaders }) => (actorId === null ? null : loaders.user.load(actorId)),
  },
  Query: {
    users: (_root, { filter, ...page }, context) => context.services.people.list(requireActor(context), filter, page),
    user: (_root, { id }, context) => context.services.people.get(requireActor(context), id),
    auditLog: (_root, { filter, ...page }, context) =>
      context.services.people.auditLog(requireActor(context), filter, page),
  },
  Mutation: {
    updateUserRole: (_root, { id, role }, context) =>
      context.services.people.updateRole(requireActor(context), id, role),
    disableUser: (_root, { id }, context) => context.services.people.disable(requireActor(context), id),
    enableUser: (_root, { id }, context) => context.services.people.enable(requireActor(context), id),
    resetSecondFactor: (_root, { userId }, context) =>
      context.services.people.resetSecondFactor(requireActor(context), userId),
  },
} satisfies Resolvers;
