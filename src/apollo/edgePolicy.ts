import {
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isObjectType,
  type OperationDefinitionNode,
} from "graphql";

/**
 * Root fields whose whole answer was read through the cache, so that every key it was made of is known and a write drops it.
 * Lists are not among them: what would join them has no key yet. Nothing here shows an attempt or the clock.
 */
const STORABLE_FIELDS = new Set(["exam", "course", "lesson", "video", "me", "questionTypes"]);
/** Fields below them that are read from the database, or tell of the clock (as whether results are released does), of a job or of what the viewer watched. */
const UNCACHED_FIELDS = new Set([
  "Course.enrollments",
  "Exam.myTerms",
  "Exam.resultRelease",
  "Question.folder",
  "Question.versions",
  "Video.processingPercent",
  "Video.processingJobs",
  "Video.playback",
  "Video.progress",
  "Video.retention",
]);

/** Whether the answer to an operation may be stored and replayed to the same viewer. Anything not known to be safe is not. */
export function isStorable(schema: GraphQLSchema, operation: OperationDefinitionNode): boolean {
  if (operation.operation !== "query") return false;
  return operation.selectionSet.selections.every(
    (selection) =>
      selection.kind === "Field" &&
      STORABLE_FIELDS.has(selection.name.value) &&
      selectsOnlyCached(
        selection.selectionSet,
        getNamedType(schema.getQueryType()!.getFields()[selection.name.value]!.type),
      ),
  );
}

function selectsOnlyCached(selectionSet: OperationDefinitionNode["selectionSet"] | undefined, type: unknown): boolean {
  if (!selectionSet || !isObjectType(type)) return true;
  return selectionSet.selections.every((selection) => {
    if (selection.kind !== "Field") return false; // fragments could hide anything; such an operation is just not stored
    const name = selection.name.value;
    if (name === "__typename") return true;
    const field = (type as GraphQLObjectType).getFields()[name];
    return (
      field !== undefined &&
      !UNCACHED_FIELDS.has(`${type.name}.${name}`) &&
      selectsOnlyCached(selection.selectionSet, getNamedType(field.type))
    );
  });
}
