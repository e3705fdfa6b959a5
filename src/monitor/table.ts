import { cut, type Line, type Piece, widthOf } from "./styledText.ts";

export interface Column<Row> {
  title: string;
  cell(row: Row): Piece;
}

const gap = "  ";

/**
 * A table no wider than `width`: the first column names the rows, and groups of columns that find no room beside it go
 * into a further block below, under the same names. A group that is too wide for a block loses its last columns.
 */
export function table<Row>(
  rows: readonly Row[],
  { name, groups, width }: { name: Column<Row>; groups: readonly (readonly Column<Row>[])[]; width: number },
): Line[] {
  const names = cellsOf(rows, name, "left");
  const blocks: Line[][] = [];
  let block = names;
  for (const group of groups) {
    const cells = group.map((column) => cellsOf(rows, column, "right"));
    const whole = cells.reduce(beside, block);
    const isNew = block === names;
    if (isNew || widthOf(whole[0]!) <= width) block = isNew ? fitting(names, cells, width) : whole;
    else {
      blocks.push(block);
      block = fitting(names, cells, width);
    }
  }
  return [...blocks, block]
    .flatMap((lines, index) => (index === 0 ? lines : [[], ...lines]))
    .map((line) => cut(line, width));
}

function fitting(names: Line[], columns: readonly Line[][], width: number): Line[] {
  let block = names;
  for (const column of columns) {
    const wider = beside(block, column);
    if (widthOf(wider[0]!) > width) break;
    block = wider;
  }
  return block;
}

const beside = (left: readonly Line[], right: readonly Line[]): Line[] =>
  left.map((line, row) => [...line, { text: gap }, ...right[row]!]);

/** The title and a cell for each row, all of one width. */
function cellsOf<Row>(rows: readonly Row[], { title, cell }: Column<Row>, side: "left" | "right"): Line[] {
  const pieces: Piece[] = [{ text: title, tone: "quiet" }, ...rows.map(cell)];
  const width = Math.max(...pieces.map(({ text }) => text.length));
  return pieces.map((piece) => [
    { ...piece, text: side === "left" ? piece.text.padEnd(width) : piece.text.padStart(width) },
  ]);
}
