import { z } from "zod";
import type { Db, Transaction } from "../../prisma/client.ts";
import { badInput, conflict, notFound } from "../domain/errors.ts";
import type { CourseGroup as GroupRow } from "../generated/prisma/client.ts";
import type { Access } from "./access.ts";
import { toUser, type User } from "./account.service.ts";
import type { Actor } from "./actor.ts";
import { audit } from "./audit.ts";
import { batched } from "./batched.ts";
import { type Connection, connectionOf, type PageArgs } from "./connection.ts";
import { isUniqueViolation } from "./constraints.ts";
import { isUuid, requireId } from "./ids.ts";
import { parseInput } from "./input.ts";

/** People of a course who get something together. */
export interface CourseGroup {
  id: string;
  courseId: string;
  name: string;
  createdAt: string;
}

const MOST_PEOPLE = 5_000;
/** Of those who are wrong in a long list, so many are named in the message; the fields of the error name all. */
const NAMED_IN_MESSAGE = 10;

const name = z.string().trim().min(1, "is empty").max(200, "has at most 200 characters");
const newGroup = z.object({ courseId: z.string(), name });
const renaming = z.object({ groupId: z.string(), name });
const people = z.array(z.string()).max(MOST_PEOPLE, "has at most 5,000 people");
const allMembers = z.object({ groupId: z.string(), userIds: people });
const someMembers = z.object({ groupId: z.string(), userIds: people.min(1, "is empty") });

const toGroup = ({ id, courseId, name, createdAt }: GroupRow): CourseGroup => ({
  id,
  courseId,
  name,
  createdAt: createdAt.toISOString(),
});

export type CourseGroupService = ReturnType<typeof createCourseGroupService>;

/** The groups of courses and who is in them; what a group gets in an exam is an accommodation. */
export function createCourseGroupService({ db, access, newId }: { db: Db; access: Access; newId: () => string }) {
  const load = batched(async (ids: readonly string[]): Promise<(CourseGroup | null)[]> => {
    const rows = await db.courseGroup.findMany({ where: { id: { in: [...ids] } } });
    const byId = new Map(rows.map((row) => [row.id, toGroup(row)]));
    return ids.map((id) => byId.get(id) ?? null);
  });

  const memberCount = batched(async (ids: readonly string[]): Promise<number[]> => {
    const rows = await db.courseGroupMember.groupBy({
      by: "groupId",
      where: { groupId: { in: [...ids] } },
      _count: true,
    });
    const byId = new Map(rows.map(({ groupId, _count }) => [groupId, _count]));
    return ids.map((id) => byId.get(id) ?? 0);
  });

  /** Changes a group, locked for the staff of its course, and writes down how. @throws NOT_FOUND, FORBIDDEN */
  async function change(
    actor: Actor,
    action: string,
    groupIdGiven: string,
    act: (tx: Transaction, group: GroupRow) => Promise<{ group?: GroupRow; before?: object; after?: object }>,
  ): Promise<CourseGroup> {
    const id = requireId(groupIdGiven, "group");
    return db.$transaction(async (tx) => {
      await tx.$queryRaw`SELECT id FROM course_groups WHERE id = ${id}::uuid FOR UPDATE`;
      const found = await tx.courseGroup.findUnique({ where: { id } });
      if (!found) throw notFound("group");
      await access.requireStaff(tx, actor, found.courseId, "group");
      const { group = found, ...changed } = await act(tx, found);
      await audit(tx, actor, newId, { action, entityType: "CourseGroup", entityId: id, ...changed });
      return toGroup(group);
    });
  }

  return {
    /** A group that the caller has been told of; null when it is gone. */
    load,

    /** How many are in a group that the caller has been given. */
    memberCount,

    /** @throws NOT_FOUND, FORBIDDEN */
    async get(actor: Actor, groupId: string): Promise<CourseGroup> {
      const group = await load(requireId(groupId, "group"));
      if (!group) throw notFound("group");
      await access.requireStaff(db, actor, group.courseId, "group");
      return group;
    },

    /** The groups of a course, newest first. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async list(actor: Actor, courseIdGiven: string, page: PageArgs): Promise<Connection<CourseGroup>> {
      const courseId = requireId(courseIdGiven, "course");
      await access.requireStaff(db, actor, courseId, "course");
      return connectionOf(page, {
        find: ({ where, ...rest }) => db.courseGroup.findMany({ where: { courseId, ...where }, ...rest }),
        count: () => db.courseGroup.count({ where: { courseId } }),
        id: ({ id }) => id,
        toNode: toGroup,
      });
    },

    /** Who is in a group that the caller has been given, newest account first. @throws BAD_USER_INPUT */
    async members(groupId: string, page: PageArgs): Promise<Connection<User>> {
      return connectionOf(page, {
        find: ({ where, orderBy, take }) =>
          db.courseGroupMember.findMany({
            where: { groupId, ...(where.id && { userId: where.id }) },
            orderBy: { userId: orderBy.id },
            take,
            include: { user: true },
          }),
        count: () => memberCount(groupId),
        id: ({ userId }) => userId,
        toNode: ({ user }) => toUser(user),
      });
    },

    /** @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, CONFLICT (GROUP_NAME_TAKEN) */
    async create(actor: Actor, input: unknown): Promise<CourseGroup> {
      const given = parseInput(newGroup, input, { path: "" });
      const courseId = requireId(given.courseId, "course");
      return unlessTaken(() =>
        db.$transaction(async (tx) => {
          await access.requireStaff(tx, actor, courseId, "course");
          const row = await tx.courseGroup.create({ data: { id: newId(), courseId, name: given.name } });
          await audit(tx, actor, newId, {
            action: "createGroup",
            entityType: "CourseGroup",
            entityId: row.id,
            after: { courseId, name: row.name },
          });
          return toGroup(row);
        }),
      );
    },

    /** Safe to repeat. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT, CONFLICT (GROUP_NAME_TAKEN) */
    async rename(actor: Actor, input: unknown): Promise<CourseGroup> {
      const { groupId, name } = parseInput(renaming, input, { path: "" });
      return unlessTaken(() =>
        change(actor, "renameGroup", groupId, async (tx, { id, name: before }) => ({
          group: await tx.courseGroup.update({ where: { id }, data: { name } }),
          before: { name: before },
          after: { name },
        })),
      );
    },

    /** Removes a group and what exams give it. @throws NOT_FOUND, FORBIDDEN */
    async delete(actor: Actor, groupId: string): Promise<true> {
      await change(actor, "deleteGroup", groupId, async (tx, { id, courseId, name }) => {
        const accommodations = await tx.examAccommodation.findMany({ where: { groupId: id } });
        await tx.courseGroup.delete({ where: { id } });
        return { before: JSON.parse(JSON.stringify({ courseId, name, accommodations })) };
      });
      return true;
    },

    /** Makes these the members. Safe to repeat. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT that names who is not enrolled */
    async setMembers(actor: Actor, input: unknown): Promise<CourseGroup> {
      const { groupId, userIds } = parseInput(allMembers, input, { path: "" });
      return change(actor, "setGroupMembers", groupId, async (tx, group) => {
        const members = await lockEnrolled(tx, group.courseId, userIds);
        const removed = await tx.$queryRaw<{ user_id: string }[]>`
          DELETE FROM course_group_members WHERE group_id = ${group.id}::uuid AND user_id <> ALL (${members}::uuid[])
          RETURNING user_id`;
        return { after: { added: await put(tx, group.id, members), removed: removed.map(({ user_id }) => user_id) } };
      });
    },

    /** Puts people into a group. Safe to repeat. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT that names who is not enrolled */
    async addMembers(actor: Actor, input: unknown): Promise<CourseGroup> {
      const { groupId, userIds } = parseInput(someMembers, input, { path: "" });
      return change(actor, "addGroupMembers", groupId, async (tx, group) => ({
        after: { added: await put(tx, group.id, await lockEnrolled(tx, group.courseId, userIds)) },
      }));
    },

    /** Takes people out of a group. Safe to repeat. @throws NOT_FOUND, FORBIDDEN, BAD_USER_INPUT */
    async removeMembers(actor: Actor, input: unknown): Promise<CourseGroup> {
      const { groupId, userIds } = parseInput(someMembers, input, { path: "" });
      return change(actor, "removeGroupMembers", groupId, async (tx, { id }) => {
        const removed = await tx.$queryRaw<{ user_id: string }[]>`
          DELETE FROM course_group_members WHERE group_id = ${id}::uuid AND user_id = ANY (${userIds.filter(isUuid)}::uuid[])
          RETURNING user_id`;
        return { after: { removed: removed.map(({ user_id }) => user_id) } };
      });
    },
  };
}

/** @throws NOT_FOUND for a group of another course */
export async function requireGroup(tx: Transaction, courseId: string, groupId: string): Promise<void> {
  if ((await tx.courseGroup.count({ where: { id: groupId, courseId } })) === 0) throw notFound("group in this course");
}

/**
 * The ids in the database's spelling, each once. Nobody of these leaves the course until the transaction ends: a withdrawal
 * waits, and then finds the new members to take out.
 * @throws BAD_USER_INPUT that names who is not enrolled
 */
async function lockEnrolled(tx: Transaction, courseId: string, userIds: readonly string[]): Promise<string[]> {
  const wanted = [...new Set(userIds.filter(isUuid).map((id) => id.toLowerCase()))];
  // People before enrolments, as an erasure locks them.
  const rows = await tx.$queryRaw<{ id: string }[]>`
    SELECT person.id FROM users person JOIN enrollments enrollment ON enrollment.user_id = person.id
    WHERE enrollment.course_id = ${courseId}::uuid AND enrollment.status = 'ACTIVE' AND person.id = ANY (${wanted}::uuid[])
    ORDER BY person.id
    FOR KEY SHARE OF person FOR SHARE OF enrollment`;
  const enrolled = new Set(rows.map(({ id }) => id));
  const strangers = userIds
    .map((id, index) => ({ id, path: `userIds.${index}` }))
    .filter(({ id }) => !enrolled.has(id.toLowerCase()));
  if (strangers.length === 0) return [...enrolled];
  const named = strangers.slice(0, NAMED_IN_MESSAGE).map(({ id }) => id);
  const others = strangers.length - named.length;
  throw badInput(
    `Not enrolled in the course: ${named.join(", ")}${others > 0 ? ` and ${others} more` : ""}.`,
    strangers.map(({ path }) => ({ path, message: "is nobody who is enrolled in the course" })),
  );
}

/** @returns those who were not in the group before */
async function put(tx: Transaction, groupId: string, userIds: readonly string[]): Promise<string[]> {
  const rows = await tx.$queryRaw<{ user_id: string }[]>`
    INSERT INTO course_group_members (group_id, user_id)
    SELECT ${groupId}::uuid, person.id FROM unnest(${userIds}::uuid[]) AS person(id) ORDER BY person.id
    ON CONFLICT DO NOTHING
    RETURNING user_id`;
  return rows.map(({ user_id }) => user_id);
}

async function unlessTaken<Result>(act: () => Promise<Result>): Promise<Result> {
  try {
    return await act();
  } catch (error) {
    if (isUniqueViolation(error, "course_groups_course_id_name_key"))
      throw conflict("Another group of the course has this name.", "GROUP_NAME_TAKEN");
    throw error;
  }
}
