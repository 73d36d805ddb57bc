/** What mutation testing runs: the tests of the core, without processes. */
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: { include: ["test/core/**/*.test.ts"] },
});
