import type { Transaction } from "../../prisma/client.ts";
import type { PersonRow, PersonWanted } from "../domain/personRow.ts";
import type { ImportOutcome } from "../generated/prisma/enums.ts";
import { emailQueue } from "../queues/email.queue.ts";
import type { Outbox } from "../queues/outbox.ts";
import { auditAll } from "./audit.ts";
import { endSessions } from "./endSessions.ts";
import {
  type BroughtInBy,
  type CoursePlace,
  type Decision,
  decide,
  type KnownPerson,
  type Profile,
  personOf,
  refused,
  welcome,
} from "./importDecision.ts";
import { joinGroups, type KnownGroups, lockGroups, newGroups } from "./importGroups.ts";

/** As the column's default in the database. */
const DEFAULT_LOCALE = "en";

/** What happened with some rows, and whose profile and whose enrolments are not what they were. */
export interface ChunkResult {
  counts: Record<ImportOutcome, number>;
  profilesChanged: string[];
  enrollmentsChanged: string[];
}

/** A row with what is to become of it; `userId` is null where it is about nobody. */
interface Decided {
  row: PersonRow;
  userId: string | null;
  before: KnownPerson | null;
  decision: Decision;
}
type Changed = { before: KnownPerson; profile: Profile };
type Placed = { userId: string } & CoursePlace;

/**
 * Takes in some rows of an import, whose row the caller has locked, and writes down what became of each: a fixed number of
 * statements however many rows they are.
 */
export async function takeIn(
  tx: Transaction,
  rows: readonly PersonRow[],
  {
    importId,
    by,
    outbox,
    now,
    newId,
  }: { importId: string; by: BroughtInBy; outbox: Outbox; now: Date; newId: () => string },
): Promise<ChunkResult> {
  const people = rows.map((row) => personOf(row, by)).filter((person) => typeof person !== "string");
  const groups = await lockGroups(tx, by.courseId, people);
  const made = await makeAccounts(tx, people, newId);
  const known = await lockKnown(tx, people, by);
  const decided = sayWhichAreNew(
    rows.map((row) => decideRow(row, by, { made, known, groups })),
    groups,
  );
  const changed = decided.flatMap(({ before, decision: { profile } }) =>
    before && profile ? [{ before, profile }] : [],
  );
  const placed = decided.flatMap(({ userId, decision: { place } }) => (userId && place ? [{ userId, ...place }] : []));

  await changeProfiles(tx, changed);
  await followChangedRoles(tx, changed, { by, now, newId });
  const reclaimed = decided.flatMap(({ before, decision }) => (before && decision.isReclaimed ? [before.id] : []));
  await takeFromRegistrants(tx, reclaimed, now);
  if (by.courseId) {
    await enroll(tx, by.courseId, placed);
    const joins = decided.flatMap(({ userId, decision: { joins: names } }) => (userId ? [{ userId, names }] : []));
    await joinGroups(tx, joins, { groups, courseId: by.courseId, by, newId });
  }
  await invite(tx, [...made.values(), ...reclaimed], { by, outbox });
  await writeDown(tx, importId, decided);
  return {
    counts: countOutcomes(decided),
    profilesChanged: changed.map(({ before }) => before.id),
    enrollmentsChanged: placed.map(({ userId }) => userId),
  };
}

function decideRow(
  row: PersonRow,
  by: BroughtInBy,
  { made, known, groups }: { made: Map<string, string>; known: Map<string, KnownPerson>; groups: KnownGroups },
): Decided {
  const person = personOf(row, by);
  if (typeof person === "string") return { row, userId: null, before: null, decision: refused(person) };
  const newUserId = made.get(person.email);
  if (newUserId) return { row, userId: newUserId, before: null, decision: welcome(person, by) };
  const before = known.get(person.email);
  if (!before) throw new Error("an account was removed while its person was being brought in"); // the next try makes a new one
  return { row, userId: before.id, before, decision: decide(person, before, by, groups) };
}

/** The first row that names a group which is not there says in the report that it was made: it may be a slip. */
function sayWhichAreNew(decided: readonly Decided[], groups: KnownGroups): Decided[] {
  const said: string[] = [];
  return decided.map((row) => {
    const fresh = newGroups([...said, ...row.decision.joins], groups).slice(said.length);
    if (fresh.length === 0) return row;
    said.push(...fresh);
    const made = `New in the course: ${fresh.map((name) => `“${name}”`).join(", ")}.`;
    const reason = [row.decision.reason, made].filter(Boolean).join(" ");
    return { ...row, decision: { ...row.decision, reason } };
  });
}

/**
 * Makes an account, without a password, for every address that has none. In the order of the addresses, so that two imports of
 * the same people wait for each other and not in a circle.
 * @returns the ids of the new accounts by address
 */
async function makeAccounts(
  tx: Transaction,
  people: readonly PersonWanted[],
  newId: () => string,
): Promise<Map<string, string>> {
  const rows = await tx.$queryRaw<{ id: string; email: string }[]>`
    INSERT INTO users (id, email, name, role, locale)
    SELECT person.id, person.email, person.name, person.role::"UserRole", person.locale
    FROM unnest(${people.map(() => newId())}::uuid[], ${people.map(({ email }) => email)}::text[],
                ${people.map(({ name }) => name)}::text[], ${people.map(({ role }) => role ?? "STUDENT")}::text[],
                ${people.map(({ locale }) => locale ?? DEFAULT_LOCALE)}::text[]) AS person(id, email, name, role, locale)
    ORDER BY person.email
    ON CONFLICT (email) DO NOTHING
    RETURNING id, email`;
  return new Map(rows.map(({ id, email }) => [email, id]));
}

/** Those who have accounts, by address; nobody else changes them until the transaction ends. */
async function lockKnown(
  tx: Transaction,
  people: readonly PersonWanted[],
  { courseId }: BroughtInBy,
): Promise<Map<string, KnownPerson>> {
  const rows = await tx.$queryRaw<KnownPerson[]>`
    SELECT person.id, person.email, person.name, person.role::text, person.locale,
           person.disabled_at IS NOT NULL OR person.erased_at IS NOT NULL AS "isClosed",
           person.email_verified_at IS NULL AND person.password_hash IS NOT NULL AS "isUnproven",
           place.role::text AS "courseRole", place.status = 'ACTIVE' AS "isEnrolled",
           place.extra_time_percent AS "extraTimePercent",
           ARRAY(SELECT member.group_id::text FROM course_group_members member JOIN course_groups own ON own.id = member.group_id
                 WHERE member.user_id = person.id AND own.course_id = ${courseId}::uuid) AS "groupIds"
    FROM users person LEFT JOIN enrollments place ON place.user_id = person.id AND place.course_id = ${courseId}::uuid
    WHERE person.email = ANY(${people.map(({ email }) => email)}::text[])
    ORDER BY person.id
    FOR NO KEY UPDATE OF person`;
  return new Map(rows.map((row) => [row.email, row]));
}

async function changeProfiles(tx: Transaction, changed: readonly Changed[]): Promise<void> {
  if (changed.length === 0) return;
  await tx.$executeRaw`
    UPDATE users SET name = person.name, role = person.role::"UserRole", locale = person.locale
    FROM unnest(${changed.map(({ before }) => before.id)}::uuid[], ${changed.map(({ profile }) => profile.name)}::text[],
                ${changed.map(({ profile }) => profile.role)}::text[],
                ${changed.map(({ profile }) => profile.locale)}::text[]) AS person(id, name, role, locale)
    WHERE users.id = person.id`;
}

/** What whoever registered an address could come in by is worth nothing from now on. */
async function takeFromRegistrants(tx: Transaction, userIds: string[], now: Date): Promise<void> {
  if (userIds.length === 0) return;
  await tx.user.updateMany({ where: { id: { in: userIds } }, data: { passwordHash: null } });
  await tx.oneTimeToken.updateMany({ where: { userId: { in: userIds }, usedAt: null }, data: { usedAt: now } });
  await endSessions(tx, userIds, now);
}

/** A role that changes is audited and ends the person's sessions, as when it is changed by hand. */
async function followChangedRoles(
  tx: Transaction,
  changed: readonly Changed[],
  { by, now, newId }: { by: BroughtInBy; now: Date; newId: () => string },
): Promise<void> {
  const roles = changed.filter(({ before, profile }) => profile.role !== before.role);
  if (roles.length === 0) return;
  await auditAll(
    tx,
    by,
    newId,
    roles.map(({ before, profile }) => ({
      action: "user.updateRole",
      entityType: "User",
      entityId: before.id,
      before: { role: before.role },
      after: { role: profile.role },
    })),
  );
  await endSessions(
    tx,
    roles.map(({ before }) => before.id),
    now,
  );
}

async function enroll(tx: Transaction, courseId: string, placed: readonly Placed[]): Promise<void> {
  if (placed.length === 0) return;
  await tx.$executeRaw`
    INSERT INTO enrollments (course_id, user_id, role, status, extra_time_percent)
    SELECT ${courseId}::uuid, person.id, person.role::"CourseRole", 'ACTIVE', person.extra
    FROM unnest(${placed.map(({ userId }) => userId)}::uuid[], ${placed.map(({ courseRole }) => courseRole)}::text[],
                ${placed.map(({ extraTimePercent }) => extraTimePercent)}::int[]) AS person(id, role, extra)
    ORDER BY person.id
    ON CONFLICT (course_id, user_id) DO UPDATE
    SET role = excluded.role, status = 'ACTIVE', extra_time_percent = excluded.extra_time_percent`;
}

async function invite(
  tx: Transaction,
  userIds: readonly string[],
  { by: { courseId, userId: ownerId }, outbox }: { by: BroughtInBy; outbox: Outbox },
): Promise<void> {
  if (userIds.length === 0) return;
  const mails = userIds.map((userId) =>
    outbox.row(
      emailQueue,
      "sendTemplate",
      { template: "invitation", userId, ...(courseId && { courseId }) },
      { ownerId },
    ),
  );
  await tx.$executeRaw`
    INSERT INTO outbox_jobs (id, queue, name, payload, owner_id, request_id, traceparent, run_at)
    SELECT mail.id, ${emailQueue.name}, 'sendTemplate', mail.payload::jsonb, ${ownerId}::uuid, ${mails[0]!.requestId},
           ${mails[0]!.traceparent}, mail.run_at
    FROM unnest(${mails.map(({ id }) => id)}::uuid[], ${mails.map(({ payload }) => JSON.stringify(payload))}::text[],
                ${mails.map(({ runAt }) => runAt.toISOString())}::timestamptz[]) AS mail(id, payload, run_at)`;
}

async function writeDown(tx: Transaction, importId: string, decided: readonly Decided[]): Promise<void> {
  await tx.$executeRaw`
    INSERT INTO user_import_rows (import_id, line, email, outcome, reason)
    SELECT ${importId}::uuid, done.line, done.email, done.outcome::"ImportOutcome", done.reason
    FROM unnest(${decided.map(({ row }) => row.line)}::int[], ${decided.map(({ row }) => row.email)}::text[],
                ${decided.map(({ decision }) => decision.outcome)}::text[],
                ${decided.map(({ decision }) => decision.reason)}::text[]) AS done(line, email, outcome, reason)`;
}

function countOutcomes(decided: readonly Decided[]): Record<ImportOutcome, number> {
  const counts = { ACCEPTED: 0, UPDATED: 0, UNCHANGED: 0, REFUSED: 0 };
  for (const { decision } of decided) counts[decision.outcome] += 1;
  return counts;
}
