import type { Transaction } from "../../prisma/client.ts";
import { auditAll } from "./audit.ts";

/** The groups of a course by their names. */
export interface KnownGroups {
  /** The id of the group that a file means: the one of exactly this name, else one that differs in case only. */
  find(name: string): string | undefined;
}

const NO_GROUPS: KnownGroups = { find: () => undefined };

const inSmall = (name: string) => name.toLowerCase();

async function read(tx: Transaction, courseId: string): Promise<KnownGroups> {
  // Before the people and their enrolments, as whoever changes a group locks them.
  const rows = await tx.$queryRaw<{ id: string; name: string }[]>`
    SELECT id, name FROM course_groups WHERE course_id = ${courseId}::uuid ORDER BY id FOR KEY SHARE`;
  const exactly = new Map(rows.map(({ id, name }) => [name, id]));
  const inAnyCase = new Map(rows.map(({ id, name }) => [inSmall(name), id]));
  return { find: (name) => exactly.get(name) ?? inAnyCase.get(inSmall(name)) };
}

/** The groups of the course that a file is for, none of which is removed until the transaction ends; unread where no row names any. */
export async function lockGroups(
  tx: Transaction,
  courseId: string | null,
  people: readonly { groups?: readonly string[] | undefined }[],
): Promise<KnownGroups> {
  return courseId && people.some(({ groups }) => groups) ? read(tx, courseId) : NO_GROUPS;
}

/** The names for which there is no group yet, the first spelling of each. */
export function newGroups(names: readonly string[], groups: KnownGroups): string[] {
  const bySmall = new Map<string, string>();
  for (const name of names) if (!groups.find(name) && !bySmall.has(inSmall(name))) bySmall.set(inSmall(name), name);
  return [...bySmall.values()];
}

/**
 * Puts people who are enrolled into groups, which are made where they are missing. Groups and who came into them are audited, as when it
 * is done by hand.
 */
export async function joinGroups(
  tx: Transaction,
  joins: readonly { userId: string; names: readonly string[] }[],
  {
    groups,
    courseId,
    by,
    newId,
  }: { groups: KnownGroups; courseId: string; by: { userId: string }; newId: () => string },
): Promise<void> {
  if (joins.every(({ names }) => names.length === 0)) return;
  const missing = newGroups(
    joins.flatMap(({ names }) => names),
    groups,
  );
  if (missing.length > 0) await makeGroups(tx, missing.toSorted(), { courseId, by, newId });
  const all = missing.length > 0 ? await read(tx, courseId) : groups;
  const pairs = joins.flatMap(({ userId, names }) => names.map((name) => ({ userId, groupId: all.find(name)! })));
  const joined = await tx.$queryRaw<{ groupId: string; userId: string }[]>`
    INSERT INTO course_group_members (group_id, user_id)
    SELECT pair.group_id, pair.user_id
    FROM unnest(${pairs.map(({ groupId }) => groupId)}::uuid[], ${pairs.map(({ userId }) => userId)}::uuid[]) AS pair (group_id, user_id)
    JOIN enrollments enrollment ON enrollment.course_id = ${courseId}::uuid AND enrollment.user_id = pair.user_id AND enrollment.status = 'ACTIVE'
    ORDER BY pair.user_id, pair.group_id
    FOR SHARE OF enrollment
    ON CONFLICT DO NOTHING
    RETURNING group_id AS "groupId", user_id AS "userId"`;
  const added = new Map<string, string[]>();
  for (const { groupId, userId } of joined) added.set(groupId, [...(added.get(groupId) ?? []), userId]);
  const acts = [...added].map(([entityId, userIds]) => ({ entityId, after: { added: userIds } }));
  await auditAll(
    tx,
    by,
    newId,
    acts.map((act) => ({ action: "addGroupMembers", entityType: "CourseGroup", ...act })),
  );
}

async function makeGroups(
  tx: Transaction,
  names: readonly string[],
  { courseId, by, newId }: { courseId: string; by: { userId: string }; newId: () => string },
): Promise<void> {
  const made = await tx.courseGroup.createManyAndReturn({
    data: names.map((name) => ({ id: newId(), courseId, name })),
    skipDuplicates: true, // another import was faster
  });
  await auditAll(
    tx,
    by,
    newId,
    made.map(({ id, name }) => ({
      action: "createGroup",
      entityType: "CourseGroup",
      entityId: id,
      after: { courseId, name },
    })),
  );
}
