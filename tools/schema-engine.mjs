#!/usr/bin/env node
// What the Prisma CLI starts as its schema engine (see prisma.config.ts). Only an executable: the program is in TypeScript.
import { tsImport } from "tsx/esm/api";

await tsImport("./schemaEngineServer.ts", import.meta.url);
