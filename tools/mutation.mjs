/**
 * `npm run mutation`, `npm run mutation -- shim`, `… reconciler`, `… drivers`: what is changed, and by which tests it is asked.
 *
 * The core is asked in one process (`mutation-runner.mjs`). The other areas are asked by vitest, each by its own tests
 * that run in its process: what a test starts as a program of its own runs unchanged, so such tests prove nothing here.
 * Everything after the name goes to Stryker.
 */
import { spawn } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import core from "../stryker.config.json" with { type: "json" };

const AREAS = {
  core: null,
  shim: {
    mutate: [
      "src/shim/metering/**/*.ts",
      "src/shim/session/{limit-watch,pauses,clocks,progress-cadence,orphan-watch}.ts",
      "src/shim/agents/agent-line.ts",
    ],
    tests: [
      "test/shim/metering/**/*.test.ts",
      "test/shim/session/{restless,progress-cadence,limits-held,clocks,pauses-by,deserted}.test.ts",
      "test/shim/agents/{lines,agent-line}.test.ts",
    ],
  },
  reconciler: {
    mutate: [
      "src/reconciler/callbacks/**/*.ts",
      "src/reconciler/loop/supervise.ts",
      "src/reconciler/operators/lane-orders.ts",
    ],
    tests: ["test/reconciler/{callbacks,operators}/**/*.test.ts", "test/reconciler/loop/supervise.test.ts"],
  },
  drivers: {
    mutate: ["src/adapters/drivers/process/{stop,start}.ts"],
    tests: ["test/adapters/drivers/process/{ladder,process}.test.ts"],
    // They start processes, and wait for them.
    timeoutMS: 120_000,
  },
};

const ROOT = join(import.meta.dirname, "..");
const { positionals } = parseArgs({ allowPositionals: true, strict: false });
const name = Object.hasOwn(AREAS, positionals[0] ?? "") ? positionals[0] : "core";
const rest = process.argv.slice(2).filter((given) => given !== name);
const area = AREAS[name];
const config = area === null ? "stryker.config.json" : configFor(area);
const child = spawn(join(ROOT, "node_modules/.bin/stryker"), ["run", config, ...rest], {
  cwd: ROOT,
  stdio: "inherit",
});
child.on("close", (code) => {
  process.exitCode = code ?? 1;
});

/** Written where reports are: nobody keeps it. */
function configFor({ mutate, tests, timeoutMS = core.timeoutMS }) {
  const folder = join(ROOT, "reports/mutation");
  mkdirSync(folder, { recursive: true });
  const vitest = `reports/mutation/${name}.vitest.config.mjs`;
  writeFileSync(
    join(ROOT, vitest),
    `export default { test: { include: ${JSON.stringify(tests)}, testTimeout: 60000, hookTimeout: 60000, env: { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" } } };\n`,
  );
  const {
    ignorers,
    ignoreStatic,
    tempDirName,
    reporters,
    clearTextReporter,
    coverageAnalysis,
    tsconfigFile,
  } = core;
  const file = `reports/mutation/${name}.stryker.config.json`;
  writeFileSync(
    join(ROOT, file),
    JSON.stringify(
      {
        ...{
          ignorers,
          ignoreStatic,
          tempDirName,
          reporters,
          clearTextReporter,
          coverageAnalysis,
          tsconfigFile,
        },
        plugins: ["@stryker-mutator/vitest-runner", "./tools/mutation-texts.mjs"],
        testRunner: "vitest",
        vitest: { configFile: vitest, related: false },
        mutate,
        checkers: [],
        concurrency: 1,
        timeoutMS,
        incremental: true,
        incrementalFile: `reports/mutation/${name}.incremental.json`,
        jsonReporter: { fileName: `reports/mutation/${name}.json` },
        // Of a sample: its survivors are looked at (docs/mutation-testing.md), and no number is promised.
        thresholds: { high: 90, low: 60, break: null },
      },
      null,
      2,
    ),
  );
  return file;
}
