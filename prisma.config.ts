import { defineConfig } from "prisma/config";

// Prisma downloads a native schema engine where its host is reachable; the WASM engine of the npm package needs no download.
// Set PRISMA_NATIVE_ENGINE=1 to use the native one.
if (!process.env.PRISMA_NATIVE_ENGINE) {
  process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= new URL("./tools/schema-engine.mjs", import.meta.url).pathname;
}

export default defineConfig({
  schema: "prisma/schema.prisma",
  migrations: { path: "prisma/migrations" },
  datasource: { url: process.env.DATABASE_URL ?? "postgresql://postgres:postgres@127.0.0.1:5432/lectern" },
});
