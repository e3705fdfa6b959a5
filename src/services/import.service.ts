import { z } from "zod";
import type { Db } from "../../prisma/client.ts";
import { notFound } from "../domain/errors.ts";
import type { UserImport as ImportRow } from "../generated/prisma/client.ts";
import type { ImportOutcome } from "../generated/prisma/enums.ts";
import type { Outbox } from "../queues/outbox.ts";
import { userQueue } from "../queues/user.queue.ts";
import type { Access } from "./access.ts";
import type { JobQueued } from "./account.service.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { type Connection, connectionBy, type Ordering, type PageArgs } from "./connection.ts";
import { requireId } from "./ids.ts";
import { requireMayImport } from "./importAccess.ts";
import { reportText } from "./importReport.ts";
import { parseInput } from "./input.ts";
import { checkPeopleFile } from "./peopleFile.ts";
import type { SignedLinks } from "./signedLinks.ts";

/** A file of people, and how far it has been taken in. */
export interface UserImport {
  id: string;
  jobId: string;
  courseId: string | null;
  totalRows: number;
  doneRows: number;
  accepted: number;
  updated: number;
  unchanged: number;
  refused: number;
  createdAt: string;
  finishedAt: string | null;
}

export interface UserImportRow {
  line: number;
  email: string | null;
  outcome: ImportOutcome;
  reason: string | null;
}

export interface ImportUsersPayload extends JobQueued {
  import: UserImport;
}

const REPORT_LINK_MS = 3_600_000;
const IN_FILE_ORDER: Ordering<number> = {
  direction: "asc",
  parse: (text) => (/^\d{1,9}$/.test(text) ? Number(text) : null),
};

const importing = z.object({ csv: z.string(), courseId: z.string().nullish() });

const toUserImport = ({ accepted, updated, unchanged, refused, ...row }: Omit<ImportRow, "csv">): UserImport => ({
  id: row.id,
  jobId: row.jobId,
  courseId: row.courseId,
  totalRows: row.totalRows,
  doneRows: accepted + updated + unchanged + refused,
  accepted,
  updated,
  unchanged,
  refused,
  createdAt: row.createdAt.toISOString(),
  finishedAt: row.finishedAt?.toISOString() ?? null,
});

const reportPath = (importId: string) => `/downloads/imports/${importId}`;

export type ImportService = ReturnType<typeof createImportService>;

/** Files of people as they are asked for and looked at; `importRuns` takes them in. */
export function createImportService({
  db,
  access,
  outbox,
  links,
  clock,
  newId,
}: {
  db: Db;
  access: Access;
  outbox: Outbox;
  links: SignedLinks;
  clock: () => Date;
  newId: () => string;
}) {
  return {
    /**
     * Reads a file through and asks for its people to be taken in. Asking twice takes it in twice, which changes nothing.
     * @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT for a file that cannot be read at all
     */
    async request(actor: Actor, input: unknown): Promise<ImportUsersPayload> {
      const { csv, courseId: courseIdGiven } = parseInput(importing, input, { isFile: true });
      const courseId = courseIdGiven == null ? null : requireId(courseIdGiven, "course");
      await requireMayImport(db, access, actor, courseId);
      const totalRows = await checkPeopleFile(csv, { isForCourse: courseId !== null });
      const id = newId();
      const row = await db.$transaction(async (tx) => {
        const jobId = await outbox.add(
          tx,
          userQueue,
          "importUsers",
          { importId: id },
          { ownerId: actor.userId, requestId: actor.requestId },
        );
        await audit(tx, actor, newId, {
          action: "user.import",
          entityType: "UserImport",
          entityId: id,
          after: { courseId, rows: totalRows },
        });
        return tx.userImport.create({
          data: { id, actorId: actor.userId, courseId, jobId, csv, totalRows },
          omit: { csv: true },
        });
      });
      outbox.handOver();
      return { import: toUserImport(row), queued: true, jobId: row.jobId };
    },

    /** An import of the actor's own, or any for an ADMIN. @throws NOT_FOUND */
    async get(actor: Actor, importId: string): Promise<UserImport> {
      const row = await db.userImport.findUnique({
        where: { id: requireId(importId, "import") },
        omit: { csv: true },
      });
      if (!row || (row.actorId !== actor.userId && actor.role !== "ADMIN")) throw notFound("import");
      return toUserImport(row);
    },

    /** What became of the rows of an import the caller has been given, in the order of the file. @throws BAD_USER_INPUT */
    async rows(importId: string, outcome: ImportOutcome | null, page: PageArgs): Promise<Connection<UserImportRow>> {
      const matching = { importId, ...(outcome && { outcome }) };
      return connectionBy(IN_FILE_ORDER, page, {
        find: ({ where, orderBy, take }) =>
          db.userImportRow.findMany({
            where: { ...matching, ...(where.id && { line: where.id }) },
            orderBy: { line: orderBy.id },
            take,
          }),
        count: () => db.userImportRow.count({ where: matching }),
        id: ({ line }) => line,
        toNode: ({ line, email, outcome, reason }) => ({ line, email, outcome, reason }),
      });
    },

    /** Where the report of an import the caller has been given can be fetched for an hour; null before it is finished. */
    reportUrl({ id, finishedAt }: UserImport): string | null {
      return finishedAt && links.url(reportPath(id), new Date(clock().getTime() + REPORT_LINK_MS));
    },

    /** The report of an import, for whoever has the link: CSV, a piece at a time. @throws NOT_FOUND */
    async openReport(importIdGiven: string): Promise<{ fileName: string; text: AsyncIterable<string> }> {
      const importId = requireId(importIdGiven, "report");
      const finished = { id: importId, finishedAt: { not: null } };
      if (!(await db.userImport.findFirst({ where: finished, select: { id: true } }))) throw notFound("report");
      return { fileName: `import-${importId}.csv`, text: reportText(db, importId) };
    },
  };
}
