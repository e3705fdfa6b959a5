// Jest imports this file without transforming it, and Node 20 cannot import TypeScript by itself.
import { tsImport } from "tsx/esm/api";

export default async function globalSetup() {
  const { startTestServices } = await tsImport("./testServices.ts", import.meta.url);
  await startTestServices();
}
