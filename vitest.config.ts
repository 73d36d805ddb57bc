import { availableParallelism } from "node:os";
import { defineConfig } from "vitest/config";

/**
 * Tests that take long because of what they prove, with the reason. `npm run test:long` runs them and `npm test` does
 * not; CI runs both. One whose wait can be given to it (by the fleet's file, by a cadence, by a clock of its own)
 * belongs into `npm test`.
 */
const LONG = {
  "test/adapters/drivers/process/random-escapes.test.ts":
    "a hundred agents try to outlive their kill, as root and as an ordinary user",
  "test/attack/attack.test.ts":
    "the attacks that do not take long, against a built program, as root and as an ordinary user",
  "test/deaths/deaths.test.ts": "a walk-through is played while its controller is killed again and again",
  "test/e2e/controller-kills.test.ts": "a controller is killed twelve times at random moments of its life",
  "test/e2e/kill-switch-full-disk.test.ts":
    "a scenario of `npm run chaos`, on a disk of its own that is filled",
  "test/e2e/lease.test.ts":
    "the end of a lease is waited for, and two installations take over from each other",
  "test/e2e/planned-drill.test.ts": "a schedule comes round once a minute, and no oftener can be planned",
  "test/e2e/receiver-down.test.ts":
    "a scenario of `npm run chaos`: retries wait longer each time, until the alert",
  "test/e2e/restore.test.ts": "three whole losses of a record, each under watch of every process",
  "test/e2e/runaway.test.ts": "a scenario of `npm run chaos`, from a runaway to its merged postmortem",
  "test/e2e/status-race.test.ts": "the default budget of pushes is proven by a real minute",
  "test/reconciler/reviews/three-hundred.test.ts":
    "three hundred pull requests on a stand-in forge, and an hour of its limits waited out on a clock of the test",
} as const;

/** Whose tests start processes, run git or open a database on disk: each file in a worker of its own. */
const PROCESSES = [
  "test/adapters/{drivers,git,judge,store}/**/*.test.ts",
  "test/{attack,chaos,cli,demo,e2e,fuzz,samples,shim,shipped,support}/**/*.test.ts",
  "test/golden/golden.test.ts",
  "test/golden/init/init.test.ts",
  "test/golden/plan-comments/plan-comments.test.ts",
  "test/instance/{claim,descriptors}.test.ts",
  "test/reconciler/approvals/*.test.ts",
];

/** Real agents from npm, of which `npm run e2e:agents` installs some 2 GB. */
const AGENTS = "test/agents/**/*.test.ts";

const shared = {
  // Real processes and real git on two cores: a slow machine is not a failure.
  testTimeout: 60_000,
  hookTimeout: 60_000,
  pool: "forks",
  env: { GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
} as const;

export default defineConfig({
  test: {
    // One more than there are processors: these tests wait for processes half of the time. Each may start twenty.
    maxWorkers: Math.min(availableParallelism() + 1, 6),
    projects: [
      {
        test: {
          ...shared,
          name: "processes",
          include: PROCESSES,
          exclude: Object.keys(LONG),
          globalSetup: ["test/support/compile-cache.ts"],
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: "functions",
          include: ["test/**/*.test.ts"],
          exclude: [...PROCESSES, ...Object.keys(LONG), AGENTS],
          // Nothing is left behind by them that the next file could meet, and loading the program 100 times takes longer than all of them.
          isolate: false,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...shared,
          name: "long",
          include: Object.keys(LONG),
          globalSetup: ["test/support/compile-cache.ts"],
          sequence: { groupOrder: 3 },
        },
      },
      {
        test: {
          ...shared,
          name: "agents",
          include: [AGENTS],
          globalSetup: ["test/support/compile-cache.ts"],
          sequence: { groupOrder: 4 },
        },
      },
    ],
  },
});
