import { uuidv7 } from "uuidv7";
import { createDb, createSavePool } from "../prisma/client.ts";
import type { Config } from "./config.ts";
import { createDeadLetters } from "./queues/deadLetters.ts";
import { openQueues } from "./queues/openQueues.ts";
import { createOutbox } from "./queues/outbox.ts";
import { createBus } from "./redis/bus.ts";
import { createCache } from "./redis/cache.ts";
import { createEvents } from "./redis/pubsub.ts";
import { createRedis } from "./redis/redis.ts";
import { createAccess } from "./services/access.ts";
import { createAccommodationService } from "./services/accommodation.service.ts";
import { createAccountService } from "./services/account.service.ts";
import { createAnswerService } from "./services/answer.service.ts";
import { createAnswerBatches } from "./services/answerBatches.ts";
import { createAttemptService } from "./services/attempt.service.ts";
import { createCourseService } from "./services/course.service.ts";
import { databaseTime } from "./services/databaseTime.ts";
import { createExamService } from "./services/exam.service.ts";
import { createExamQuestions } from "./services/examQuestions.ts";
import { createGradingService } from "./services/grading.service.ts";
import { createJobService } from "./services/job.service.ts";
import { createNodeService } from "./services/node.service.ts";
import { createPapers } from "./services/papers.ts";
import { createSharedSecretCheck } from "./services/passwords.ts";
import { createQuestionService } from "./services/question.service.ts";
import { createResultService } from "./services/result.service.ts";
import { createTokens } from "./services/tokens.ts";
import { createJobStatus } from "./utils/jobStatus.ts";
import type { Logger } from "./utils/logger.ts";

export interface Ambient {
  clock: () => Date;
  newId: () => string;
}

export type Container = Awaited<ReturnType<typeof createContainer>>;
export type Services = Container["services"];

/** The composition root: opens everything a program needs, wires the services, and closes in reverse. */
export async function createContainer(
  config: Config,
  log: Logger,
  { clock, newId }: Ambient = { clock: () => new Date(), newId: uuidv7 },
) {
  const prefix = config.REDIS_PREFIX;
  const graceSeconds = config.SAVE_GRACE_SECONDS;
  const cacheUrl = config.CACHE_REDIS_URL ?? config.REDIS_URL;

  const db = createDb({ url: config.DATABASE_URL, poolMax: config.DATABASE_POOL_MAX });
  const savePool = createSavePool({ url: config.DATABASE_URL, connections: config.SAVE_CONNECTIONS, log });
  const queueRedis = createRedis(config.REDIS_URL, { role: "queue", log });
  const cacheRedis = createRedis(cacheUrl, { role: "cache", log });
  const subscriber = createRedis(cacheUrl, { role: "subscriber", log });

  const bus = createBus({ subscriber, log });
  const cache = createCache({
    redis: cacheRedis,
    bus,
    log,
    clock,
    prefix,
    ttlSeconds: config.CACHE_TTL_SECONDS,
    memoryBytes: config.CACHE_MEMORY_MB * 1024 * 1024,
  });
  const events = createEvents({ redis: cacheRedis, bus, prefix, log });
  const queues = openQueues({ redis: queueRedis, prefix });
  const outbox = createOutbox({ db, queues, log, clock, newId });
  const deadLetters = createDeadLetters({ queues, outbox });
  const tokens = await createTokens({
    privateKeyPem: config.JWT_PRIVATE_KEY,
    ttlSeconds: config.ACCESS_TOKEN_SECONDS,
    clock,
  });

  const access = createAccess({ db, cache });
  const examQuestions = createExamQuestions({ db, cache });
  const papers = createPapers({ db, cache, examQuestions });
  const batches = createAnswerBatches({ pool: savePool, connections: config.SAVE_CONNECTIONS, graceSeconds });
  const getJobStatus = createJobStatus({ db, queues, clock });

  const accounts = createAccountService({
    db,
    cache,
    tokens,
    refreshTokenDays: config.REFRESH_TOKEN_DAYS,
    clock,
    newId,
    log,
  });
  const courses = createCourseService({ db, cache, access, newId });
  const questions = createQuestionService({ db, cache, access, newId });
  const exams = createExamService({ db, cache, access, examQuestions, newId });
  const attempts = createAttemptService({
    db,
    access,
    papers,
    examQuestions,
    outbox,
    events,
    checkAccessCode: createSharedSecretCheck(),
    graceSeconds,
    newId,
  });
  const services = {
    accounts,
    courses,
    questions,
    exams,
    accommodations: createAccommodationService({ db, access, newId }),
    attempts,
    answers: createAnswerService({ papers, batches }),
    grading: createGradingService({ db, access, papers, events, newId }),
    results: createResultService({ db, access, papers }),
    jobs: createJobService({ getJobStatus, deadLetters, events }),
    nodes: createNodeService({ db, accounts, courses, questions, exams, attempts }),
    serverTime: () => databaseTime(db),
  };

  /** Finishes what was taken and closes every connection. Safe to repeat. */
  async function close(): Promise<void> {
    await batches.close();
    await events.close();
    await outbox.close();
    await queues.close();
    await cache.close();
    for (const redis of [subscriber, cacheRedis, queueRedis]) redis.disconnect();
    await savePool.end();
    await db.$disconnect();
  }

  return { services, clock, tokens, db, cache, events, queues, outbox, deadLetters, queueRedis, cacheRedis, close };
}
