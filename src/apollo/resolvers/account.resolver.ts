import type { Resolvers } from "../../generated/graphql.ts";
import type { User } from "../../services/account.service.ts";
import { requireActor } from "../../services/actor.ts";
import type { Context } from "../context.ts";

type PrivateField = "locale" | "emailVerifiedAt" | "disabledAt" | "secondFactorAt" | "lastLoginAt" | "deletionDueAt";

/** Null for everybody but the person and administrators. */
const ownOnly =
  <Field extends PrivateField>(field: Field) =>
  (user: User, _args: unknown, { actor }: Context): User[Field] | null =>
    user.isViewer || (actor && (actor.userId === user.id || actor.role === "ADMIN")) ? user[field] : null;

export const accountResolvers = {
  User: {
    locale: ownOnly("locale"),
    emailVerifiedAt: ownOnly("emailVerifiedAt"),
    disabledAt: ownOnly("disabledAt"),
    secondFactorAt: ownOnly("secondFactorAt"),
    lastLoginAt: ownOnly("lastLoginAt"),
    deletionDueAt: ownOnly("deletionDueAt"),
  },
  Query: {
    me: (_root, _args, { actor, services }) => actor && services.accounts.me(actor),
  },
  Mutation: {
    register: (_root, { input }, { services, requestId }) => services.accounts.register(input, requestId),
    verifyEmail: (_root, { token }, { services }) => services.credentials.verifyEmail(token),
    resendVerification: (_root, { email }, { services, requestId }) =>
      services.credentials.resendVerification(email, requestId),
    requestPasswordReset: (_root, { email }, { services, requestId }) =>
      services.credentials.requestPasswordReset(email, requestId),
    resetPassword: (_root, { token, newPassword }, { services, requestId }) =>
      services.credentials.resetPassword(token, newPassword, requestId),
    acceptInvitation: (_root, { token, ...input }, { services }) => services.credentials.acceptInvitation(token, input),
    updateProfile: (_root, { input }, context) => context.services.accounts.updateProfile(requireActor(context), input),
  },
} satisfies Resolvers;
