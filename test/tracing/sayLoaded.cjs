// Required into a program under test: as it ends, it says how many files of OpenTelemetry were loaded.
process.on("exit", () => {
  const loaded = Object.keys(require.cache).filter((file) =>
    /[\\/]@opentelemetry[\\/]|[\\/]bullmq-otel[\\/]/.test(file),
  );
  require("node:fs").writeSync(1, `\n{"msg":"loaded of OpenTelemetry","files":${loaded.length}}\n`);
});
