import type { ExamOutline } from "../examOutline.ts";
import type { ImportedQuestion, WriteReport } from "../questionFormat.ts";
import type { QtiVersion } from "./elements.ts";
import { hasWeight } from "./qtiTestWriter.ts";
import { writePackage } from "./writePackage.ts";

/** A content package of an exam and its questions. What cannot be weighed to what it is worth in the exam is an item with these points. */
export async function* writeExam(
  version: QtiVersion,
  exam: ExamOutline,
  questions: AsyncIterable<ImportedQuestion>,
  report: (entry: WriteReport) => void,
): AsyncGenerator<Uint8Array> {
  const pointsAt = new Map(
    exam.sections.flatMap(({ places }) => places.map((it) => [it.question, it.points] as const)),
  );
  const refused = new Set<number>();
  const reweighed: number[] = [];
  let position = 0;
  async function* weighed() {
    for await (const question of questions) {
      position += 1;
      const points = pointsAt.get(position) ?? question.points;
      if (hasWeight(points, question.points)) yield question;
      else {
        reweighed.push(position);
        yield { ...question, points };
      }
    }
  }
  yield* writePackage(
    version,
    weighed(),
    (entry) => {
      if (entry.refused !== null) refused.add(entry.position);
      report(entry);
    },
    exam,
  );
  const lost = reweighed
    .filter((at) => !refused.has(at))
    .map((at) => `Question ${at} has the points of the exam in its item: no decimal makes them of its own.`);
  for (const { title, drawCount, places } of exam.sections) {
    const kept = places.filter(({ question }) => !refused.has(question));
    if (kept.length < places.length) lost.push(`"${title}" lacks ${places.length - kept.length} of its questions.`);
    const left = kept.filter(({ isFixed }) => !isFixed).length; // texts are none of those drawn
    if (drawCount !== null && drawCount > left)
      lost.push(`"${title}" draws ${left} and not ${drawCount}: it has no more.`);
  }
  if (lost.length > 0) report({ position: position + 1, title: exam.title, lost, refused: null });
}
