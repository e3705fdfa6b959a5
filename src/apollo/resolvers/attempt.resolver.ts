import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";
import { type Attempt, isActiveFor } from "../../services/attemptFields.ts";
import { asksFor } from "../asksFor.ts";

const RESULT_PARTS = new Set(["questions", "sections", "adjustment"]);

export const attemptResolvers = {
  Query: {
    attempt: (_root, { id }, context) => context.services.attempts.get(requireActor(context), id),
    myAttempts: (_root, { examId, ...page }, context) =>
      context.services.attempts.listOwn(requireActor(context), examId, page),
    attemptLog: (_root, { attemptId, questionId, ...page }, context) =>
      context.services.attemptLog.list(requireActor(context), { attemptId, questionId }, page),
  },
  Mutation: {
    startAttempt: (_root, { examId, accessCode }, context) =>
      context.services.attempts.start(requireActor(context), examId, accessCode),
    saveAnswers: (_root, { attemptId, answers }, context) =>
      context.services.answers.save(requireActor(context), attemptId, answers),
    submitAttempt: (_root, { attemptId }, context) =>
      context.services.attempts.submit(requireActor(context), attemptId),
  },
  Subscription: {
    attemptChanged: {
      subscribe: (_root, { attemptId }, context) => context.services.attempts.watch(requireActor(context), attemptId),
      resolve: (attempt: Attempt) => attempt,
    },
  },
  Attempt: {
    exam: ({ examId }, _args, context) => context.services.exams.get(requireActor(context), examId),
    student: ({ userId }, _args, { loaders }) => loaders.user.load(userId).then((user) => user!),
    timeLimit: (attempt, _args, { services }) => services.examTime.limitOf(attempt),
    isActiveHere: (attempt, _args, context) => isActiveFor(attempt, requireActor(context)),
    paper: (attempt, _args, context) => context.services.attempts.paperFor(requireActor(context), attempt),
    answers: (attempt, _args, context) =>
      context.services.results.answers(requireActor(context), attempt, context.loaders.savedAnswers),
    result: (attempt, _args, context, info) =>
      context.services.results.of(requireActor(context), attempt, { withParts: asksFor(info, RESULT_PARTS) }),
    review: (attempt, _args, context) => context.services.results.review(requireActor(context), attempt),
  },
  AttemptEvent: {
    actor: ({ actorId }, _args, { loaders }) => (actorId === null ? null : loaders.user.load(actorId)),
  },
} satisfies Resolvers;
