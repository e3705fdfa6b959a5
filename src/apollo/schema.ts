import { makeExecutableSchema } from "@graphql-tools/schema";
import type { GraphQLSchema } from "graphql";
import { withPermissions } from "../middlewares/permissions.ts";
import { accountResolvers } from "./resolvers/account.resolver.ts";
import { attemptResolvers } from "./resolvers/attempt.resolver.ts";
import { baseResolvers } from "./resolvers/base.resolver.ts";
import { courseResolvers } from "./resolvers/course.resolver.ts";
import { examResolvers } from "./resolvers/exam.resolver.ts";
import { jobResolvers } from "./resolvers/job.resolver.ts";
import { questionResolvers } from "./resolvers/question.resolver.ts";
import { resultResolvers } from "./resolvers/result.resolver.ts";
import { loadTypeDefs } from "./typeDefs.ts";

/** The executable schema with its permissions; a resolver for a field that is not declared stops the start. */
export function createSchema(): GraphQLSchema {
  return withPermissions(
    makeExecutableSchema({
      typeDefs: loadTypeDefs(),
      resolvers: [
        baseResolvers,
        accountResolvers,
        courseResolvers,
        questionResolvers,
        examResolvers,
        attemptResolvers,
        resultResolvers,
        jobResolvers,
      ],
      resolverValidationOptions: { requireResolversToMatchSchema: "error" },
    }),
  );
}
