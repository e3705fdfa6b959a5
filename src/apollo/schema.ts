import { makeExecutableSchema } from "@graphql-tools/schema";
import type { DocumentNode, GraphQLSchema } from "graphql";
import { withPermissions } from "../middlewares/permissions.ts";
import { type RateLimiting, withRateLimits } from "../middlewares/rateLimit.ts";
import { accountResolvers } from "./resolvers/account.resolver.ts";
import { analysisResolvers } from "./resolvers/analysis.resolver.ts";
import { answerFileResolvers } from "./resolvers/answerFile.resolver.ts";
import { attemptResolvers } from "./resolvers/attempt.resolver.ts";
import { baseResolvers } from "./resolvers/base.resolver.ts";
import { courseResolvers } from "./resolvers/course.resolver.ts";
import { emailResolvers } from "./resolvers/email.resolver.ts";
import { examResolvers } from "./resolvers/exam.resolver.ts";
import { exchangeResolvers } from "./resolvers/exchange.resolver.ts";
import { groupResolvers } from "./resolvers/group.resolver.ts";
import { importResolvers } from "./resolvers/import.resolver.ts";
import { jobResolvers } from "./resolvers/job.resolver.ts";
import { lessonResolvers } from "./resolvers/lesson.resolver.ts";
import { markingResolvers } from "./resolvers/marking.resolver.ts";
import { operationsResolvers } from "./resolvers/operations.resolver.ts";
import { peopleResolvers } from "./resolvers/people.resolver.ts";
import { previewResolvers } from "./resolvers/preview.resolver.ts";
import { privacyResolvers } from "./resolvers/privacy.resolver.ts";
import { questionResolvers } from "./resolvers/question.resolver.ts";
import { resultResolvers } from "./resolvers/result.resolver.ts";
import { secondFactorResolvers } from "./resolvers/secondFactor.resolver.ts";
import { sessionResolvers } from "./resolvers/session.resolver.ts";
import { videoResolvers } from "./resolvers/video.resolver.ts";
import { watchResolvers } from "./resolvers/watch.resolver.ts";
import { markedScalar, withMarkedFields, withSerializedFields } from "./serializedFields.ts";
import { loadTypeDefs } from "./typeDefs.ts";

/**
 * The executable schema with its permissions and, where it is to be executed, its limits; a resolver for a field that is not
 * declared stops the start.
 */
export const createSchema = (rateLimiting?: RateLimiting): GraphQLSchema => build(loadTypeDefs(), rateLimiting);

/** The same for the execution of operations whose large fields are put in finished: see `serializedFields.ts`. */
export const createSerializingSchema = (rateLimiting?: RateLimiting): GraphQLSchema =>
  withSerializedFields(build(withMarkedFields(loadTypeDefs()), rateLimiting, markedScalar));

function build(
  typeDefs: string | DocumentNode,
  rateLimiting: RateLimiting | undefined,
  scalars: Partial<typeof markedScalar> = {},
): GraphQLSchema {
  const schema = makeExecutableSchema({
    typeDefs,
    resolvers: [
      scalars,
      baseResolvers,
      accountResolvers,
      sessionResolvers,
      secondFactorResolvers,
      peopleResolvers,
      importResolvers,
      privacyResolvers,
      emailResolvers,
      courseResolvers,
      groupResolvers,
      exchangeResolvers,
      questionResolvers,
      previewResolvers,
      examResolvers,
      attemptResolvers,
      answerFileResolvers,
      resultResolvers,
      markingResolvers,
      analysisResolvers,
      jobResolvers,
      operationsResolvers,
      lessonResolvers,
      videoResolvers,
      watchResolvers,
    ],
    resolverValidationOptions: { requireResolversToMatchSchema: "error" },
  });
  // Within the permissions, which give a service's error back as if it were the answer.
  return withPermissions(rateLimiting ? withRateLimits(schema, rateLimiting) : schema);
}
