// Required into a program under test: as it ends, it says how many files of OpenTelemetry's SDK were loaded.
// Not of its bare interface, which prom-client looks at.
process.on("exit", () => {
  const loaded = Object.keys(require.cache).filter((file) =>
    /[\\/]@opentelemetry[\\/](?!api[\\/])|[\\/]bullmq-otel[\\/]/.test(file),
  );
  require("node:fs").writeSync(1, `\n{"msg":"loaded of OpenTelemetry","files":${loaded.length}}\n`);
});
