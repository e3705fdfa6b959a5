import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import type { Db } from "../../prisma/client.ts";
import type { User as UserRow } from "../generated/prisma/client.ts";
import { toUser } from "./account.service.ts";
import type { AttemptService } from "./attempt.service.ts";
import { accountLists } from "./personalDataAccount.ts";
import { attemptLists } from "./personalDataAttempts.ts";
import type { PersonalDataLists } from "./personalDataList.ts";
import { workLists } from "./personalDataWork.ts";
import type { ResultService } from "./result.service.ts";

/** Columns that name a person and are no list of the file, each with the reason, which the file tells too. */
export const NOT_EXPORTED: Readonly<Record<string, string>> = {
  "Answer.gradedById": "Answers you graded belong to the people who gave them; that you did is in `acts`.",
  "AnswerMark.markedById":
    "Marks you gave belong to the people whose answers they are on; that you gave them is in `acts`.",
  "ResponseClaim.claimedById":
    "Answers you claimed for marking belong to the people who gave them; a claim ends by itself within the hour.",
  "OutboxJob.ownerId":
    "Background jobs you asked for hold nothing but ids of what is here, are removed seven days after they are done, and what they did is in the other lists.",
};

export type PersonalData = ReturnType<typeof createPersonalData>;

/** Gathers all that is kept about one person. No password, hash, secret or key of a question is read for it. */
export function createPersonalData({
  db,
  attempts,
  results,
  clock,
}: {
  db: Db;
  attempts: Pick<AttemptService, "paper" | "savedAnswers">;
  results: Pick<ResultService, "of" | "questions">;
  clock: () => Date;
}) {
  const lists: PersonalDataLists = {
    ...accountLists(db),
    ...attemptLists({ db, attempts, results }),
    ...workLists(db),
  };

  const about = () => ({
    what: "All that Lectern keeps about you, as of the time below. Times are UTC; `profile` is your account, and each list is explained here.",
    madeAt: clock().toISOString(),
    lists: Object.fromEntries(Object.entries(lists).map(([name, { about }]) => [name, about])),
    notIncluded: Object.values(NOT_EXPORTED),
  });

  async function* written(person: UserRow): AsyncGenerator<string> {
    const { __typename, ...account } = toUser(person);
    const { extraTimePercent, extraMinutes } = person;
    const profile = { ...account, inEveryExam: { extraTimePercent, extraMinutes } };
    yield `{\n"about": ${inLines(about())},\n"profile": ${inLines(profile)}`;
    for (const [name, list] of Object.entries(lists)) {
      yield `,\n"${name}": [`;
      let between = "\n";
      for await (const row of list.read(person)) {
        yield between + inLines(row);
        between = ",\n";
      }
      yield "]";
    }
    yield "\n}\n";
  }

  return {
    /** The columns that the file's lists are read by, as `Model.field` of the schema. */
    columns: Object.values(lists).flatMap(({ of }) => of),

    /** The file: JSON that a person can read too, gzipped. */
    async pack(person: UserRow): Promise<Uint8Array<ArrayBuffer>> {
      const gzip = createGzip();
      const [packed] = await Promise.all([buffer(gzip), pipeline(Readable.from(written(person)), gzip)]);
      return new Uint8Array(packed);
    },
  };
}

const inLines = (value: unknown) => JSON.stringify(value, null, 2);
