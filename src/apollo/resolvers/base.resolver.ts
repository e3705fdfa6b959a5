import type { Resolvers } from "../../generated/graphql.ts";
import { requireActor } from "../../services/actor.ts";
import type { Connection } from "../../services/connection.ts";
import { scalars } from "../scalars.ts";

const connection = { totalCount: ({ countAll }: Connection<unknown>) => countAll() };

export const baseResolvers = {
  ...scalars,
  Node: { __resolveType: ({ __typename }) => __typename },
  Query: {
    node: (_root, { id }, context) => context.services.nodes.get(requireActor(context), id),
    serverTime: (_root, _args, { services }) => services.serverTime(),
  },
  CourseConnection: connection,
  CourseGroupConnection: connection,
  ExamAccommodationConnection: connection,
  EnrollmentConnection: connection,
  QuestionConnection: connection,
  ExamConnection: connection,
  AttemptConnection: connection,
  AttemptEventConnection: connection,
  ExamResultConnection: connection,
  FinalResultConnection: connection,
  UserConnection: connection,
  AuditEntryConnection: connection,
  UserImportRowConnection: connection,
  QuestionFileEntryConnection: connection,
  VideoConnection: connection,
} satisfies Resolvers;
