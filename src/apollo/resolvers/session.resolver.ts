import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";
import { requireCookies } from "../sessionCookies.ts";

export const sessionResolvers = {
  Query: {
    sessions: (_root, _args, context) => context.services.sessions.list(requireActor(context)),
  },
  Mutation: {
    login: (_root, { mode, ...credentials }, context) => {
      const { services, client, requestId } = context;
      if (mode !== "COOKIE") return services.sessions.login(credentials, client, requestId);
      const cookies = requireCookies(context); // before there is a session that they could not hold
      return cookies.keep(services.sessions.login(credentials, client, requestId));
    },
    refreshSession: (_root, { refreshToken }, context) => {
      const { services, client, requestId } = context;
      if (refreshToken) return services.sessions.refresh(refreshToken, client, requestId);
      const cookies = requireCookies(context);
      return cookies.keep(services.sessions.refresh(cookies.refreshToken, client, requestId));
    },
    changePassword: (_root, { mode, ...passwords }, context) => {
      const { services, client } = context;
      const actor = requireActor(context);
      if (mode !== "COOKIE") return services.sessions.changePassword(actor, passwords, client);
      const cookies = requireCookies(context); // before the old session is ended
      return cookies.keep(services.sessions.changePassword(actor, passwords, client));
    },
    logout: async (_root, { refreshToken }, { services, actor, cookies: cookiesOf }) => {
      const cookies = refreshToken ? null : cookiesOf();
      const token = refreshToken || cookies?.refreshToken;
      if (token) await services.sessions.logout(token);
      else if (actor) await services.sessions.endCurrent(actor);
      cookies?.clear();
      return true;
    },
    revokeSession: async (_root, { id }, context) => {
      await context.services.sessions.revoke(requireActor(context), id);
      return true;
    },
    revokeAllSessions: (_root, { exceptCurrent }, context) =>
      context.services.sessions.revokeAll(requireActor(context), { exceptCurrent: exceptCurrent ?? false }),
  },
} satisfies Resolvers;
