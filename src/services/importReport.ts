import { stringify } from "csv-stringify/sync";
import type { Db } from "../../prisma/client.ts";

const COLUMNS = ["line", "email", "outcome", "reason"] as const;
const PAGE_ROWS = 1_000;

/**
 * What became of every row of an import, as CSV. Read page by page, so that its length costs no memory; a field that a
 * spreadsheet would take for a formula begins with an apostrophe.
 */
export async function* reportText(db: Db, importId: string): AsyncGenerator<string> {
  yield stringify([COLUMNS]);
  for (let line = 0; ; ) {
    const rows = await db.userImportRow.findMany({
      where: { importId, line: { gt: line } },
      orderBy: { line: "asc" },
      take: PAGE_ROWS,
    });
    if (rows.length === 0) return;
    yield stringify(rows, { columns: COLUMNS, escape_formulas: true });
    line = rows.at(-1)!.line;
  }
}
