import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";
import type { Attempt } from "../../services/attemptFields.ts";

export const attemptResolvers = {
  Query: {
    attempt: (_root, { id }, context) => context.services.attempts.get(requireActor(context), id),
    myAttempts: (_root, { examId, ...page }, context) =>
      context.services.attempts.listOwn(requireActor(context), examId, page),
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
    paper: ({ id }, _args, { services, reads }) => services.attempts.paper(id, reads),
    answers: ({ id }, _args, { loaders }) => loaders.savedAnswers.load(id),
    result: (attempt, _args, context) => context.services.results.of(requireActor(context), attempt),
  },
} satisfies Resolvers;
