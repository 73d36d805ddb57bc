/** Writes and flushes of the record that fail with EIO, ENOSPC or EROFS, in the controller alone. */
import { join } from "node:path";
import { type Injection, injectErrors } from "../faults/strace.ts";
import type { Scenario, ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { liveThrough, recordProblem } from "../trouble.ts";

interface Errors {
  readonly error: "EIO" | "ENOSPC" | "EROFS";
  readonly calls: readonly string[];
  readonly when: string;
  readonly text: string;
}

const ERRORS: Readonly<Record<string, Errors>> = {
  "disk-error-flush": {
    error: "EIO",
    calls: ["fsync", "fdatasync"],
    when: "1+",
    text: "EIO from every flush of the record",
  },
  "disk-error-write": {
    error: "EIO",
    calls: ["pwrite64", "write"],
    when: "1+",
    text: "EIO from every write to the record",
  },
  // What a kernel makes of a disk that it no longer trusts; by hand it cannot be done while the record is open.
  "disk-error-read-only": {
    error: "EROFS",
    calls: ["pwrite64", "write", "ftruncate"],
    when: "1+",
    text: "EROFS from every write to the record, as after a remount by the kernel",
  },
  "disk-error-now-and-then": {
    error: "ENOSPC",
    calls: ["pwrite64", "write", "fsync", "fdatasync"],
    when: "2+3",
    text: "ENOSPC from every third write or flush of the record",
  },
};

export const scenarios: Readonly<Record<string, Scenario>> = Object.fromEntries(
  Object.entries(ERRORS).map(([name, errors]) => [
    name,
    { where: "record (strace)", run: (options) => diskErrors(name, errors, options) },
  ]),
);

async function diskErrors(name: string, errors: Errors, options: ScenarioOptions): Promise<ScenarioResult> {
  let injection: Injection | null = null;
  const result = await liveThrough(
    {
      name,
      injected: errors.text,
      async begin({ world, controller }) {
        const record = join(world.dataDir, "factory.db");
        injection = await injectErrors({
          pid: controller.pid,
          files: [record, `${record}-wal`],
          calls: errors.calls,
          error: errors.error,
          when: errors.when,
          output: join(world.path, "strace.txt"),
        });
      },
      detected: recordProblem,
      async end() {
        options.log(`${injection?.injected() ?? 0} calls have failed`);
        await injection?.stop();
      },
      cleanUp: () => injection?.stop(),
    },
    options,
  );
  return result;
}
