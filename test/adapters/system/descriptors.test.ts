import { expect, test } from "vitest";
import { watchDescriptors } from "../../../src/adapters/system/descriptors.ts";
import { inboxOf } from "../../../src/core/status/inbox.ts";
import type { DescriptorUse } from "../../../src/instance/spare-descriptors.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { aPicture } from "../../core/status/snapshot.ts";

const ENOUGH: DescriptorUse = { open: 40, limit: 128, spare: 8, missedMsAgo: null };
const SOCKET = { where: "unix:/data/controller.sock", connectionsMax: 32 };

function watching() {
  let now = 1_000_000;
  let use = ENOUGH;
  const clock = { now: () => now, sleep: () => new Promise<void>(() => {}) };
  const watch = watchDescriptors({ clock, log: silentLog, use: () => use });
  return {
    watch,
    said: () => watch.problem()?.message ?? null,
    pass(ms: number) {
      now += ms;
    },
    uses(next: Partial<DescriptorUse>) {
      use = { ...ENOUGH, ...next };
      now += 2_000;
    },
  };
}

test("a listener that was full is told of for a minute, with how many had to go since", () => {
  const { watch, said, pass } = watching();
  expect(said()).toBeNull();
  for (let visits = 0; visits < 3; visits += 1) watch.full(SOCKET);
  expect(said()).toMatch(
    /connections to unix:\/data\/controller\.sock .* all 32 were taken, and 3 have been ended/,
  );
  const since = watch.problem()?.since;
  pass(59_000);
  watch.full(SOCKET);
  pass(59_000);
  expect(watch.problem()?.since).toBe(since);
  pass(2_000);
  expect(said()).toBeNull();
});

test.each([
  [{ open: 121 }, "113 of 128 descriptors of the controller are in use; 8 more are kept"],
  [
    { missedMsAgo: 5 },
    "32 of 128 descriptors of the controller are in use, and some were missing a moment ago; 8",
  ],
  [{ open: 119 }, null],
  [{ missedMsAgo: 61_000 }, null],
])("few that are left, and one that was missing, are told of: %j", (use, message) => {
  const { said, uses } = watching();
  uses(use);
  expect(said()).toEqual(message === null ? null : expect.stringContaining(message));
  uses({});
  expect(said()).toBeNull();
});

test("both stand in the inbox, with what to do", () => {
  const { watch } = watching();
  watch.full(SOCKET);
  const killSwitch = { since: 5, message: "the file of the kill switch cannot be read" };
  const machine = { descriptors: watch.problem(), killSwitch };
  expect(
    inboxOf({ ...aPicture([]), machine }).map(({ kind, severity, answers }) => [kind, severity, answers[0]]),
  ).toEqual([
    ["kill_switch_unknown", "critical", "factory kill --all"],
    ["descriptors", "critical", expect.stringContaining("ss -tnp")],
  ]);
});
