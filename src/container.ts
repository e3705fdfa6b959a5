import { uuidv7 } from "uuidv7";
import { createDbAndPool, createSavePool, poolFigures, waitingLine } from "../prisma/client.ts";
import { newestMigration } from "../prisma/migrate.ts";
import { type Config, searchPath } from "./config.ts";
import { createFfmpeg } from "./ffmpeg/ffmpeg.ts";
import { createMailTemplates } from "./mails/mailTemplates.ts";
import { answerBatchMetrics } from "./metrics/answerBatches.ts";
import { cacheMetrics } from "./metrics/caches.ts";
import { createMetrics } from "./metrics/metrics.ts";
import { outboxMetrics } from "./metrics/outbox.ts";
import { poolMetrics } from "./metrics/pools.ts";
import { allQueues } from "./queues/allQueues.ts";
import { createDeadLetters } from "./queues/deadLetters.ts";
import { createJobTimes } from "./queues/jobTimes.ts";
import { createListJobs } from "./queues/listJobs.ts";
import { openQueues } from "./queues/openQueues.ts";
import { createOutbox } from "./queues/outbox.ts";
import { createQueueActs } from "./queues/queueActs.ts";
import { createBus } from "./redis/bus.ts";
import { createCache } from "./redis/cache.ts";
import { createEvents } from "./redis/pubsub.ts";
import { createRedis } from "./redis/redis.ts";
import { createWatchBuffer } from "./redis/watchBuffer.ts";
import { createAbandonedUploads } from "./services/abandonedUploads.ts";
import { createAccess } from "./services/access.ts";
import { createAccommodationService } from "./services/accommodation.service.ts";
import { createAccountService } from "./services/account.service.ts";
import { createAnalysisService } from "./services/analysis.service.ts";
import { createAnswerService } from "./services/answer.service.ts";
import { createAnswerBatches } from "./services/answerBatches.ts";
import { createAnswerFileService } from "./services/answerFile.service.ts";
import { createAnswerFileDownloads } from "./services/answerFileDownloads.service.ts";
import { createAnswerFileRemoval } from "./services/answerFileRemoval.ts";
import { answerFileUploads } from "./services/answerFileUploads.ts";
import { createAttemptService } from "./services/attempt.service.ts";
import { createAttemptLogService } from "./services/attemptLog.service.ts";
import { createAttemptVisits } from "./services/attemptVisits.ts";
import { createCaptionService } from "./services/caption.service.ts";
import { createCleanUpService } from "./services/cleanUp.service.ts";
import { createCourseService } from "./services/course.service.ts";
import { createCourseContents } from "./services/courseContents.ts";
import { createCourseGroupService } from "./services/courseGroup.service.ts";
import { createCredentialService } from "./services/credential.service.ts";
import { databaseTime } from "./services/databaseTime.ts";
import { createErasureService } from "./services/erasure.service.ts";
import { createExamService } from "./services/exam.service.ts";
import { createExamAddresses } from "./services/examAddresses.ts";
import { createExamQuestions } from "./services/examQuestions.ts";
import { createExamTermsService } from "./services/examTerms.service.ts";
import { createExamTimeService } from "./services/examTime.service.ts";
import { createExchangeService } from "./services/exchange.service.ts";
import { createFinalResultService } from "./services/finalResult.service.ts";
import { createGradedPapers } from "./services/gradedPapers.ts";
import { createGradingService } from "./services/grading.service.ts";
import { createImportService } from "./services/import.service.ts";
import { createImportRuns } from "./services/importRuns.ts";
import { createJobService } from "./services/job.service.ts";
import { createLessonService } from "./services/lesson.service.ts";
import { createMailService } from "./services/mail.service.ts";
import { createMarkingService } from "./services/marking.service.ts";
import { createMarkingQueueService } from "./services/markingQueue.service.ts";
import { createMonitorSessions } from "./services/monitorSessions.ts";
import { createNodeService } from "./services/node.service.ts";
import { createOneTimeTokens } from "./services/oneTimeTokens.ts";
import { createOperationsService } from "./services/operations.service.ts";
import { createPapers } from "./services/papers.ts";
import { createSharedSecretCheck } from "./services/passwords.ts";
import { createPeopleService } from "./services/people.service.ts";
import { createPersonalData } from "./services/personalData.ts";
import { createPlaybackService } from "./services/playback.service.ts";
import { createPlaybackTokens } from "./services/playbackTokens.ts";
import { createPreviewService } from "./services/preview.service.ts";
import { createPrivacyService } from "./services/privacy.service.ts";
import { createProcessingService } from "./services/processing.service.ts";
import { createProcessingSteps } from "./services/processingSteps.ts";
import { createQuestionService } from "./services/question.service.ts";
import { createQuestionEditService } from "./services/questionEdits.service.ts";
import { createQuestionFileService } from "./services/questionFile.service.ts";
import { createQuestionFileRuns } from "./services/questionFileRuns.ts";
import { createQuestionFolderService } from "./services/questionFolder.service.ts";
import { createRefreshTokens } from "./services/refreshTokens.ts";
import { createRegradingService } from "./services/regrading.service.ts";
import { createRegradingRuns } from "./services/regradingRuns.ts";
import { createResultService } from "./services/result.service.ts";
import { createResultFileService } from "./services/resultFile.service.ts";
import { createResultFileRuns } from "./services/resultFileRuns.ts";
import { createResultReleaseService } from "./services/resultRelease.service.ts";
import { createResultRules } from "./services/resultRules.ts";
import { createResumableUploads, type UploadKind, type UploadRow } from "./services/resumableUploads.ts";
import { createSecondFactorService } from "./services/secondFactor.service.ts";
import { createSecrets } from "./services/secrets.ts";
import { createSectionService } from "./services/section.service.ts";
import { createSessionService } from "./services/session.service.ts";
import { createSignedLinks } from "./services/signedLinks.ts";
import { createSmtp } from "./services/smtp.ts";
import { createStaffViews } from "./services/staffViews.ts";
import { createTemplatedMails } from "./services/templatedMails.ts";
import { createTokenRotation } from "./services/tokenRotation.ts";
import { createTokens } from "./services/tokens.ts";
import { createUploadAddresses } from "./services/uploadAddress.ts";
import { createVideoService } from "./services/video.service.ts";
import { createVideoAccess } from "./services/videoAccess.ts";
import { createVideoFiles } from "./services/videoFiles.ts";
import { createVideoUploadService } from "./services/videoUpload.service.ts";
import { createWatchService } from "./services/watch.service.ts";
import { createWatchFlush } from "./services/watchFlush.ts";
import { createWatchRetention } from "./services/watchRetention.ts";
import { createWorkFolders } from "./services/workFolders.ts";
import { createStorage } from "./storage/storage.ts";
import { createUploadFiles } from "./storage/uploadFiles.ts";
import { createUploadLocks } from "./storage/uploadLocks.ts";
import { noTracing, type Tracing } from "./tracing/tracing.ts";
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
  tracing: Tracing = noTracing,
) {
  const prefix = config.REDIS_PREFIX;
  const graceSeconds = config.SAVE_GRACE_SECONDS;
  const cacheUrl = config.CACHE_REDIS_URL ?? config.REDIS_URL;

  const metrics = createMetrics();
  const { db, pool } = createDbAndPool({ url: config.DATABASE_URL, poolMax: config.DATABASE_POOL_MAX });
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
    shape: newestMigration(), // what services return changes with what is stored
    ttlSeconds: config.CACHE_TTL_SECONDS,
    memoryBytes: config.CACHE_MEMORY_MB * 1024 * 1024,
  });
  const events = createEvents({ redis: cacheRedis, bus, prefix, log });
  const queues = openQueues({ redis: queueRedis, prefix });
  const storage = createStorage(config);
  const uploadFiles = createUploadFiles(config, storage);
  const uploadLocks = createUploadLocks({ databaseUrl: config.DATABASE_URL, log });
  const outbox = createOutbox({ db, queues, log, clock, newId, tracing });
  const deadLetters = createDeadLetters({ queues, outbox });
  const jobTimes = createJobTimes({ redis: queueRedis, prefix, clock, log });
  cacheMetrics(metrics, cache);
  poolMetrics(metrics, { main: pool, saves: savePool });
  outboxMetrics(metrics, outbox);
  const tokens = await createTokens({
    privateKeyPem: config.JWT_PRIVATE_KEY,
    previousKeyPems: config.JWT_PREVIOUS_KEYS,
    ttlSeconds: config.ACCESS_TOKEN_SECONDS,
    clock,
  });

  const secrets = createSecrets(config.SECRETS_KEY);
  const links = createSignedLinks({ secrets, publicUrl: config.PUBLIC_URL, clock });
  const oneTimeTokens = createOneTimeTokens({ db, clock, newId });

  const smtp = createSmtp({ url: config.SMTP_URL, from: config.MAIL_FROM, perSecond: config.MAIL_PER_SECOND, tracing });
  const templates = createMailTemplates();
  const templatedMails = createTemplatedMails({ db, templates, oneTimeTokens, links, appUrl: config.APP_URL, clock });

  const access = createAccess({ db, cache });
  const videoAccess = createVideoAccess({ db, cache, access });
  const watchBuffer = createWatchBuffer({ redis: queueRedis, prefix, newId });
  const examQuestions = createExamQuestions({ db, cache });
  const papers = createPapers({ db, cache, examQuestions });
  const visits = createAttemptVisits({ db, log });
  const staffViewed = createStaffViews(db);
  const addresses = createExamAddresses({ db, cache, visits });
  const batches = createAnswerBatches({
    pool: savePool,
    connections: config.SAVE_CONNECTIONS,
    graceSeconds,
    onBatch: answerBatchMetrics(metrics, () => batches.waiting()),
  });
  const getJobStatus = createJobStatus({ db, queues, clock });

  const accounts = createAccountService({ db, cache, outbox, clock, newId });
  const secondFactor = createSecondFactorService({
    db,
    cache,
    outbox,
    secrets,
    requiredRoles: config.SECOND_FACTOR_ROLES,
    clock,
    newId,
    log,
  });
  const people = createPeopleService({ db, cache, outbox, clock, newId });
  const rotation = createTokenRotation({
    db,
    outbox,
    refreshTokens: createRefreshTokens(secrets),
    refreshTokenDays: config.REFRESH_TOKEN_DAYS,
    clock,
    newId,
    log,
  });
  const credentials = createCredentialService({ db, cache, outbox, oneTimeTokens, clock });
  const sessions = createSessionService({ db, cache, tokens, rotation, credentials, secondFactor, clock, newId });
  const courses = createCourseService({
    db,
    cache,
    access,
    unverifiedMayStart: config.UNVERIFIED_MAY_START,
    newId,
  });
  const questions = createQuestionService({ db, cache, access, newId });
  const questionFolders = createQuestionFolderService({ db, access, newId });
  const exchange = createExchangeService({ db, access, newId });
  const exams = createExamService({ db, cache, access, examQuestions, addresses, newId });
  const lessons = createLessonService({
    db,
    cache,
    access,
    courseContents: createCourseContents({ db, cache }),
    videoAccess,
    courses,
    exams,
    newId,
  });
  const videos = createVideoService({ db, access, videoAccess, outbox, events, newId });
  const captions = createCaptionService({ db, cache, videoAccess, videos });
  const playbackKeys = config.PLAYBACK_KEYS.map((key) => Buffer.from(key, "base64"));
  const uploadAddresses = createUploadAddresses(secrets);
  const resumable = <Row extends UploadRow>(kind: UploadKind<Row>) =>
    createResumableUploads({ db, storage, uploadFiles, addresses: uploadAddresses, kind });
  const videoUploads = createVideoUploadService({
    db,
    access,
    videoAccess,
    outbox,
    events,
    storage,
    publicUrl: config.PUBLIC_URL,
    maxMb: config.VIDEO_MAX_MB,
    newId,
  });
  const uploads = {
    videos: resumable(videoUploads.kind),
    answers: resumable(answerFileUploads({ db, storage, graceSeconds })),
  };
  const ffmpeg = createFfmpeg({ searchPath: searchPath(), threads: config.TRANSCODE_THREADS, tracing, log });
  const processingSteps = createProcessingSteps({
    db,
    storage,
    ffmpeg,
    workFolders: createWorkFolders(),
    outbox,
    events,
    videoAccess,
    maxMinutes: config.VIDEO_MAX_MINUTES,
    clock,
  });
  const attempts = createAttemptService({
    db,
    access,
    papers,
    examQuestions,
    addresses,
    visits,
    staffViewed,
    outbox,
    events,
    checkAccessCode: createSharedSecretCheck(),
    graceSeconds,
    unverifiedMayStart: config.UNVERIFIED_MAY_START,
    newId,
  });
  const grading = createGradingService({ db, papers, events });
  const analysis = createAnalysisService({ db, access, outbox, events, examQuestions });
  const rulesOf = createResultRules(db);
  const gradedPaperOf = createGradedPapers(db);
  const results = createResultService({ db, access, papers, rulesOf, gradedPaperOf, staffViewed });
  const personalData = createPersonalData({ db, attempts, results, clock });
  const answerFileRemoval = createAnswerFileRemoval({ db, outbox, storage });
  const answerFiles = createAnswerFileService({
    db,
    papers,
    addresses,
    removal: answerFileRemoval,
    outbox,
    uploads: uploads.answers,
    publicUrl: config.PUBLIC_URL,
    graceSeconds,
    newId,
  });
  const answerFileDownloads = createAnswerFileDownloads({
    db,
    papers,
    attempts,
    results,
    staffViewed,
    storage,
    links,
    clock,
  });
  const erasure = createErasureService({ db, cache, outbox, attempts, grading, answerFileRemoval, newId });
  const services = {
    accounts,
    credentials,
    sessions,
    secondFactor,
    monitorSessions: createMonitorSessions({
      db,
      sessions,
      tokens,
      secondFactor,
      secrets,
      readers: config.MONITOR_READERS,
      clock,
    }),
    people,
    courses,
    questions,
    questionFolders,
    questionEdits: createQuestionEditService({ db, cache, access, newId }),
    previews: createPreviewService({ db, access, questions, examQuestions, newId }),
    exchange,
    questionFiles: createQuestionFileService({ db, access, outbox, links, clock, newId }),
    questionFileRuns: createQuestionFileRuns({ db, access, examQuestions, clock, newId }),
    exams,
    sections: createSectionService({ db, cache, access, courses, newId }),
    lessons,
    videos,
    captions,
    playback: createPlaybackService({
      accounts,
      captions,
      videoAccess,
      storage,
      playbackTokens: createPlaybackTokens(playbackKeys.length > 0 ? playbackKeys : [secrets.keyFor("playback link")]),
      publicUrl: config.PUBLIC_URL,
      linkSeconds: config.PLAYBACK_SECONDS,
      clock,
    }),
    processing: createProcessingService({ db, outbox, events, access, videoAccess, getJobStatus, clock, newId }),
    processingSteps,
    uploads,
    videoUploads,
    abandonedUploads: createAbandonedUploads({ db, storage, uploadFiles, kinds: Object.values(uploads), log }),
    videoFiles: createVideoFiles({ db, storage }),
    watch: createWatchService({ db, watchBuffer, videoAccess, log }),
    watchFlush: createWatchFlush({ db, watchBuffer }),
    watchRetention: createWatchRetention({ db }),
    examTime: createExamTimeService({ db, access, outbox, events, graceSeconds, newId }),
    examTerms: createExamTermsService({ db, unverifiedMayStart: config.UNVERIFIED_MAY_START }),
    accommodations: createAccommodationService({ db, access, newId }),
    groups: createCourseGroupService({ db, access, newId }),
    attempts,
    answers: createAnswerService({ papers, addresses, batches, answerFiles }),
    answerFiles,
    answerFileDownloads,
    answerFileRemoval,
    attemptLog: createAttemptLogService({ db, access, visits }),
    grading,
    marking: createMarkingService({ db, access, papers, events, newId }),
    markingQueue: createMarkingQueueService({ db, access, examQuestions, answerFileDownloads, staffViewed }),
    analysis,
    regradings: createRegradingService({ db, cache, access, outbox, newId }),
    regradingRuns: createRegradingRuns({ db, cache, examQuestions, events }),
    results,
    resultRelease: createResultReleaseService({ db, cache, access, exams, newId }),
    finalResults: createFinalResultService({ db, access, exams, results, rulesOf }),
    resultFiles: createResultFileService({ db, access, outbox, links, clock, newId }),
    resultFileRuns: createResultFileRuns({ db, access, examQuestions, rulesOf, clock, newId }),
    mails: createMailService({ db, outbox, smtp, templatedMails, clock }),
    imports: createImportService({ db, access, outbox, links, clock, newId }),
    importRuns: createImportRuns({ db, cache, access, outbox, clock, newId }),
    privacy: createPrivacyService({
      db,
      cache,
      outbox,
      personalData,
      deletionDays: config.DELETION_DAYS,
      newId,
    }),
    erasure,
    cleanUp: createCleanUpService({
      db,
      cache,
      sessions,
      oneTimeTokens,
      erasure,
      answerFileRemoval,
      unverifiedDays: config.UNVERIFIED_DAYS,
      attemptLogDays: config.ATTEMPT_LOG_DAYS,
    }),
    jobs: createJobService({ getJobStatus, events }),
    operations: createOperationsService({
      db,
      acts: createQueueActs({ db, queues, outbox, deadLetters }),
      listing: createListJobs({ db, queues }),
      deadLetters,
      queueNames: allQueues.map(({ name }) => name),
      newId,
    }),
    nodes: createNodeService({ db, accounts, people, courses, questions, exams, attempts, lessons, videos }),
    serverTime: () => databaseTime(db),
  };

  /** Finishes what was taken and closes every connection. Safe to repeat. */
  async function close(): Promise<void> {
    await batches.close();
    await visits.flush();
    smtp.close();
    await uploadLocks.close();
    storage.close();
    await events.close();
    await outbox.close();
    await jobTimes.flush();
    await queues.close();
    await cache.close();
    for (const redis of [subscriber, cacheRedis, queueRedis]) redis.disconnect();
    await savePool.end();
    await db.$disconnect();
  }

  return {
    services,
    clock,
    newId,
    tracing,
    tokens,
    links,
    db,
    cache,
    events,
    queues,
    outbox,
    storage,
    uploadFiles,
    uploadLocks,
    ffmpeg,
    deadLetters,
    jobTimes,
    /** Who waits for the database, and how fast that goes. */
    lines: { pool: waitingLine(pool), saves: { waiting: batches.waiting, served: batches.served } },
    poolFigures: () => poolFigures([pool, savePool]),
    queueRedis,
    cacheRedis,
    metrics,
    close,
  };
}
