const MINUTE_MS = 60_000;

export interface ExamTimes {
  durationMinutes: number;
  /** Null: open from the start. */
  opensAt: Date | null;
  /** Null: never closes. */
  closesAt: Date | null;
}

/** What one person is granted. Percent and minutes are 0 or more, and both count. */
export interface PersonTimes {
  extraTimePercent: number;
  extraMinutes: number;
  /** The person's own window; each end stands in place of the exam's. */
  opensAt: Date | null;
  closesAt: Date | null;
}

export interface AttemptTimes {
  opensAt: Date | null;
  closesAt: Date | null;
  deadlineAt: Date;
  /** Sentences for the student: why it is these times. */
  reasons: string[];
}

/**
 * The window and the deadline of an attempt. Extra time also moves the exam's close, or it would be worth nothing to
 * whoever starts late; a close set for the person is taken as it was set.
 * @param startedAt the start of the attempt; for somebody who has not started, now
 */
export function attemptTimes({
  exam,
  person,
  startedAt,
}: {
  exam: ExamTimes;
  person: PersonTimes;
  startedAt: Date;
}): AttemptTimes {
  const percentMinutes = (exam.durationMinutes * person.extraTimePercent) / 100;
  const extraMinutes = percentMinutes + person.extraMinutes;
  const closesAt = person.closesAt ?? addMinutes(exam.closesAt, extraMinutes);
  const timeIsUp = addMinutes(startedAt, exam.durationMinutes + extraMinutes);
  const cutShort = closesAt !== null && closesAt < timeIsUp;

  const reasons = [`The exam takes ${minutes(exam.durationMinutes)}.`];
  if (percentMinutes > 0) {
    reasons.push(`You have ${person.extraTimePercent} % extra time: ${minutes(percentMinutes)} more.`);
  }
  if (person.extraMinutes > 0) reasons.push(`You have ${minutes(person.extraMinutes)} more in this exam.`);
  if (person.opensAt) reasons.push("The exam opens for you at a time of your own.");
  if (person.closesAt) reasons.push("The exam closes for you at a time of your own.");
  else if (closesAt && extraMinutes > 0) reasons.push(`The exam closes ${minutes(extraMinutes)} later for you.`);
  if (cutShort) reasons.push("Your time ends when the exam closes.");

  return {
    opensAt: person.opensAt ?? exam.opensAt,
    closesAt,
    deadlineAt: cutShort ? closesAt : timeIsUp,
    reasons,
  };
}

/** To the millisecond. */
function addMinutes<Time extends Date | null>(time: Time, minutes: number): Time | Date {
  return time && new Date(time.getTime() + Math.round(minutes * MINUTE_MS));
}

function minutes(count: number): string {
  const rounded = Math.round(count * 100) / 100;
  return rounded === 1 ? "1 minute" : `${rounded} minutes`;
}
