import DataLoader from "dataloader";
import type { FastifyRequest } from "fastify";
import type { Services } from "../container.ts";
import type { OperationMeter } from "../metrics/operations.ts";
import type { User } from "../services/account.service.ts";
import { type Actor, Reads } from "../services/actor.ts";
import type { SavedAnswer } from "../services/attempt.service.ts";
import type { QuestionVersion } from "../services/question.service.ts";
import type { QuestionFolder } from "../services/questionFolder.service.ts";
import type { Claims } from "../services/tokens.ts";
import type { Logger } from "../utils/logger.ts";
import type { PublicCode } from "./errors.ts";
import { SerializedParts } from "./serializedFields.ts";
import type { SessionCookies } from "./sessionCookies.ts";

/** What every resolver of one request gets. */
export type Context = {
  /** Who asks; null for a visitor. */
  actor: Actor | null;
  /** When the token that says so ends, in milliseconds; null for a visitor. */
  tokenExpiresAt: number | null;
  services: Services;
  requestId: string;
  log: Logger;
  client: { ip: string | null; userAgent: string | null };
  /** The session in the browser's cookies; null where they can be neither believed nor set. */
  cookies: () => SessionCookies | null;
  reads: Reads;
  loaders: Loaders;
  /** What is learnt on the way. An object of its own, because Apollo hands resolvers a copy of the context. */
  trace: RequestTrace;
  /** Parts of the answer that are finished JSON already. */
  serialized: SerializedParts;
};

export interface RequestTrace {
  operationName?: string;
  /** Codes of the errors of this request, for its log line. */
  errorCodes: string[];
  /** The gravest error's code, for the metrics. */
  gravest?: PublicCode;
  /** Counts the operation, once it is known which. */
  meter?: OperationMeter;
  /** Seconds to wait before asking again, where an error says so; sent as a header too. */
  retryAfter?: number;
  /** Whether the answer to the operation may be stored: see `edgePolicy.ts`. */
  isStorable: boolean;
}

export interface Loaders {
  user: DataLoader<string, User | null>;
  savedAnswers: DataLoader<string, SavedAnswer[]>;
  questionVersions: DataLoader<string, QuestionVersion[]>;
  questionFolder: DataLoader<FolderPlace, QuestionFolder | null, string>;
}

/** Where a folder is: those of a course are read together. */
interface FolderPlace {
  courseId: string;
  folderId: string;
}

/** Loaders are made when a list asks for them: most requests need none. */
function createLoaders(services: Services): Loaders {
  let user: Loaders["user"] | undefined;
  let savedAnswers: Loaders["savedAnswers"] | undefined;
  let questionVersions: Loaders["questionVersions"] | undefined;
  let questionFolder: Loaders["questionFolder"] | undefined;
  return {
    get user() {
      user ??= new DataLoader((ids) => services.accounts.usersById(ids));
      return user;
    },
    get savedAnswers() {
      savedAnswers ??= new DataLoader((ids) => services.attempts.savedAnswers(ids));
      return savedAnswers;
    },
    get questionVersions() {
      questionVersions ??= new DataLoader((ids) => services.questions.versions(ids));
      return questionVersions;
    },
    get questionFolder() {
      questionFolder ??= new DataLoader((places) => services.questionFolders.at(places), {
        cacheKeyFn: ({ folderId }) => folderId,
      });
      return questionFolder;
    },
  };
}

/** Where a request comes from. */
export const clientOf = ({ ip, headers }: FastifyRequest): Context["client"] => ({
  ip,
  userAgent: headers["user-agent"]?.slice(0, 300) ?? null,
});

export function createContext({
  claims,
  services,
  requestId,
  log,
  client,
  cookies = () => null,
}: {
  claims: Claims | null;
  services: Services;
  requestId: string;
  log: Logger;
  client: Context["client"];
  cookies?: Context["cookies"];
}): Context {
  const reads = new Reads();
  const actor = claims && {
    userId: claims.userId,
    role: claims.role,
    sessionId: claims.sessionId,
    secondFactorMissing: claims.secondFactorMissing,
    requestId,
    ip: client.ip,
    userAgent: client.userAgent,
    reads,
  };
  return {
    actor,
    tokenExpiresAt: claims?.expiresAt ?? null,
    services,
    requestId,
    log,
    client,
    cookies,
    reads,
    loaders: createLoaders(services),
    trace: { errorCodes: [], isStorable: false },
    serialized: new SerializedParts(),
  };
}
