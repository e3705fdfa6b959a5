import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const importResolvers = {
  Query: {
    userImport: (_root, { id }, context) => context.services.imports.get(requireActor(context), id),
  },
  Mutation: {
    importUsers: (_root, { input }, context) => context.services.imports.request(requireActor(context), input),
  },
  UserImport: {
    rows: ({ id }, { outcome, ...page }, { services }) => services.imports.rows(id, outcome ?? null, page),
    reportUrl: (userImport, _args, { services }) => services.imports.reportUrl(userImport),
  },
} satisfies Resolvers;
