export default {
  testEnvironment: "node",
  extensionsToTreatAsEsm: [".ts"],
  transform: {
    "^.+\\.ts$": [
      "@swc/jest",
      { jsc: { target: "es2023", parser: { syntax: "typescript" } }, module: { type: "es6" }, sourceMaps: "inline" },
    ],
  },
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  globalSetup: "<rootDir>/test/support/globalSetup.mjs",
  globalTeardown: "<rootDir>/test/support/globalTeardown.mjs",
  setupFilesAfterEnv: ["<rootDir>/test/support/inCi.ts"],
  testTimeout: 60_000,
  maxWorkers: 2,
  // Modules of a test file stay in its worker's memory (ECMAScript modules in `vm`), so a worker that has grown makes place for a new one.
  workerIdleMemoryLimit: "1GB",
  collectCoverageFrom: ["src/**/*.ts", "!src/generated/**"],
  coverageProvider: "v8",
};
