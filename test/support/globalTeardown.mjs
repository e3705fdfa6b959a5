import { tsImport } from "tsx/esm/api";

export default async function globalTeardown() {
  const { stopTestServices } = await tsImport("./testServices.ts", import.meta.url);
  await stopTestServices();
  // A test that fails halfway leaves connections open, for which jest would wait for ever. Its exit code is kept.
  const leave = () => {
    console.error("Something is still open after the last test: leaving all the same.");
    process.exit();
  };
  setTimeout(leave, 10_000).unref();
}
