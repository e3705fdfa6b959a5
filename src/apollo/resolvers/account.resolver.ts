import type { Resolvers } from "../../generated/graphql.ts";

export const accountResolvers = {
  Query: {
    me: (_root, _args, { actor, services }) => actor && services.accounts.me(actor),
  },
  Mutation: {
    register: (_root, { input }, { services }) => services.accounts.register(input),
    login: (_root, { email, password }, { services, client }) => services.accounts.login(email, password, client),
    refreshSession: (_root, { refreshToken }, { services }) => services.accounts.refresh(refreshToken),
    logout: async (_root, { refreshToken }, { services }) => {
      await services.accounts.logout(refreshToken);
      return true;
    },
  },
} satisfies Resolvers;
