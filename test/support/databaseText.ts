import type { Container } from "../../src/container.ts";

/** Every row of every table, as text: whatever is stored somewhere is found in it. */
export async function allText({ db }: Pick<Container, "db">): Promise<{ table: string; text: string }[]> {
  const tables = await db.$queryRaw<{ name: string }[]>`
    SELECT table_name AS name FROM information_schema.tables
    WHERE table_schema = 'public' AND table_type = 'BASE TABLE' ORDER BY table_name`;
  const rows: { table: string; text: string }[] = [];
  for (const { name } of tables) {
    const found = await db.$queryRawUnsafe<{ text: string }[]>(`SELECT one::text AS text FROM "${name}" one`);
    rows.push(...found.map(({ text }) => ({ table: name, text })));
  }
  return rows;
}
