import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";

export const examResolvers = {
  Query: {
    exam: (_root, { id }, context) => context.services.exams.get(requireActor(context), id),
    exams: (_root, { filter, ...page }, context) =>
      context.services.exams.list(requireActor(context), filter ?? {}, page),
    examAccommodations: (_root, { examId, ...page }, context) =>
      context.services.accommodations.list(requireActor(context), examId, page),
    personAccommodation: (_root, { userId }, context) =>
      context.services.accommodations.ofPerson(requireActor(context), userId),
  },
  Mutation: {
    createExam: (_root, { input }, context) => context.services.exams.create(requireActor(context), input),
    updateExam: (_root, { id, input }, context) => context.services.exams.update(requireActor(context), id, input),
    addQuestionsToExam: (_root, { input }, context) =>
      context.services.exams.addQuestions(requireActor(context), input),
    removeQuestionsFromExam: (_root, { examId, questionIds }, context) =>
      context.services.exams.removeQuestions(requireActor(context), examId, questionIds),
    updateExamSections: (_root, { examId, sections }, context) =>
      context.services.exams.updateSections(requireActor(context), examId, sections),
    publishExam: (_root, { id }, context) => context.services.exams.publish(requireActor(context), id),
    archiveExam: (_root, { id }, context) => context.services.exams.archive(requireActor(context), id),
    extendExam: (_root, { input }, context) => context.services.examTime.extend(requireActor(context), input),
    pauseExam: (_root, input, context) => context.services.examTime.pause(requireActor(context), input),
    resumeExam: (_root, input, context) => context.services.examTime.resume(requireActor(context), input),
    stopExam: (_root, input, context) => context.services.examTime.stop(requireActor(context), input),
    setExamAccommodation: (_root, { input }, context) =>
      context.services.accommodations.set(requireActor(context), input),
    removeExamAccommodation: (_root, input, context) =>
      context.services.accommodations.remove(requireActor(context), input),
    setPersonAccommodation: (_root, { input }, context) =>
      context.services.accommodations.setForPerson(requireActor(context), input),
    releaseResults: (_root, { examId, at }, context) =>
      context.services.resultRelease.release(requireActor(context), examId, at),
    withdrawResults: (_root, input, context) => context.services.resultRelease.withdraw(requireActor(context), input),
  },
  Exam: {
    course: ({ courseId }, _args, context) => context.services.courses.get(requireActor(context), courseId),
    resultRelease: ({ id }, _args, { services }) => services.results.release(id),
    sections: (exam, _args, context) => context.services.exams.sections(requireActor(context), exam),
    myTerms: ({ id }, _args, context) => context.services.examTerms.of(requireActor(context), id),
    allowedAddresses: (exam, _args, context) => context.services.exams.allowedAddresses(requireActor(context), exam),
  },
  ExamAccommodation: {
    student: ({ userId }, _args, { loaders }) => (userId ? loaders.user.load(userId) : null),
    group: ({ groupId }, _args, { services }) => (groupId ? services.groups.load(groupId) : null),
  },
} satisfies Resolvers;
