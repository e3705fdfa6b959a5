import type { PersonRow, PersonWanted } from "../domain/personRow.ts";
import type { ImportOutcome } from "../generated/prisma/enums.ts";
import type { CourseRole, UserRole } from "./actor.ts";
import type { KnownGroups } from "./importGroups.ts";

/** Who brings people in, and where to. */
export interface BroughtInBy {
  userId: string;
  role: UserRole;
  courseId: string | null;
}

/** Somebody with an account, and what they are in the course. */
export interface KnownPerson {
  id: string;
  email: string;
  name: string;
  role: UserRole;
  locale: string;
  isClosed: boolean;
  /** Somebody registered the address and never showed that it is theirs: the password may be anybody's. */
  isUnproven: boolean;
  /** Null for somebody who never was in the course. */
  courseRole: CourseRole | null;
  isEnrolled: boolean | null;
  extraTimePercent: number | null;
  /** The groups of the course that the person is in. */
  groupIds: string[];
}

export interface Profile {
  name: string;
  role: UserRole;
  locale: string;
}

export interface CoursePlace {
  courseRole: CourseRole;
  extraTimePercent: number;
}

/** What is to become of one row. */
export interface Decision {
  outcome: ImportOutcome;
  reason: string | null;
  /** As the person is to be from now on; null when that changes nothing. */
  profile: Profile | null;
  /** As the person is to be enrolled from now on; null when that changes nothing. */
  place: CoursePlace | null;
  /** Names of groups of the course that the person is to come into. */
  joins: readonly string[];
  /** The account is taken from whoever registered it: the password goes, and the address is invited. */
  isReclaimed?: true;
}

export const refused = (reason: string): Decision => ({
  outcome: "REFUSED",
  reason,
  profile: null,
  place: null,
  joins: [],
});

/** Whom a row brings in; or why it brings in nobody, whatever accounts there are. */
export function personOf(row: PersonRow, by: BroughtInBy): PersonWanted | string {
  if ("problem" in row) return row.problem;
  const { role = "STUDENT" } = row.person;
  return by.role === "ADMIN" || role === "STUDENT" ? row.person : `Only an ADMIN can bring in somebody as ${role}.`;
}

/** Somebody new: the account is made already. */
export function welcome(
  { role = "STUDENT", extra_time_percent = 0, groups = [] }: PersonWanted,
  by: BroughtInBy,
): Decision {
  const place = by.courseId ? { courseRole: courseRoleOf(role), extraTimePercent: extra_time_percent } : null;
  return { outcome: "ACCEPTED", reason: null, profile: null, place, joins: groups };
}

/**
 * Somebody with an account: an ADMIN's file may change who they are, the staff's only that they are in the course and its groups. Nobody is
 * taken out of a group.
 */
export function decide(person: PersonWanted, known: KnownPerson, by: BroughtInBy, courseGroups: KnownGroups): Decision {
  if (known.isClosed) return refused("The account is disabled; an ADMIN can enable it.");
  if (known.isUnproven) return reclaim(person, known, by);
  const profile = profileOf(person, known, by);
  if (known.id === by.userId && profile.role !== known.role)
    return refused("You cannot change your own role; leave it empty, or ask another ADMIN.");
  const place = by.courseId ? placeOf(person, known, by) : null;
  const ofProfile = changesOfProfile(profile, known);
  const ofPlace = place ? changesOfPlace(place, known) : [];
  const joins = (person.groups ?? []).filter((name) => !known.groupIds.includes(courseGroups.find(name) ?? ""));
  const changes = [...ofProfile, ...ofPlace, ...(joins.length > 0 ? ["groups"] : [])];
  return {
    outcome: changes.length > 0 ? "UPDATED" : "UNCHANGED",
    reason: changes.length > 0 ? `Changed: ${changes.join(", ")}.` : null,
    profile: ofProfile.length > 0 ? profile : null,
    place: ofPlace.length > 0 ? place : null,
    joins,
  };
}

/** Whoever reads the mails of the address is meant, and not whoever typed it into a form first. */
function reclaim(person: PersonWanted, known: KnownPerson, by: BroughtInBy): Decision {
  const { name, role = known.role, locale = known.locale } = person;
  return {
    ...welcome(person, by),
    outcome: "UPDATED",
    reason:
      "Somebody had registered this address without verifying it: their password is removed, and the address is invited.",
    profile: { name, role, locale },
    isReclaimed: true,
  };
}

function profileOf({ name, role, locale }: PersonWanted, known: KnownPerson, by: BroughtInBy): Profile {
  if (by.role !== "ADMIN") return known;
  return { name, role: role ?? known.role, locale: locale ?? known.locale };
}

/** Who teaches the course goes on teaching it unless an ADMIN's file says otherwise. */
function placeOf(person: PersonWanted, known: KnownPerson, by: BroughtInBy): CoursePlace {
  const given = by.role === "ADMIN" && person.role ? courseRoleOf(person.role) : null;
  const present = known.isEnrolled ? known.courseRole : null;
  return {
    courseRole: given ?? present ?? "STUDENT",
    extraTimePercent: person.extra_time_percent ?? known.extraTimePercent ?? 0,
  };
}

const courseRoleOf = (role: UserRole): CourseRole => (role === "STUDENT" ? "STUDENT" : "INSTRUCTOR");

const changesOfProfile = (profile: Profile, known: KnownPerson): string[] =>
  (["name", "role", "locale"] as const).filter((field) => profile[field] !== known[field]);

function changesOfPlace({ courseRole, extraTimePercent }: CoursePlace, known: KnownPerson): string[] {
  if (!known.isEnrolled) return ["enrolment"];
  return [
    ...(courseRole === known.courseRole ? [] : ["role in the course"]),
    ...(extraTimePercent === known.extraTimePercent ? [] : ["extra time"]),
  ];
}
