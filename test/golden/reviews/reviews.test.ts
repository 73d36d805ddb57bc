/**
 * What a reviewer is told about each kind of change: what starts, stops and changes, at which cost, with which rights.
 * `UPDATE_GOLDEN=1 npx vitest run test/golden` writes the transcript anew; then read the difference.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { DesiredClone } from "../../../src/core/model/clone.ts";
import type { DesiredState } from "../../../src/core/model/desired.ts";
import type { DesiredMission, MissionLimits } from "../../../src/core/model/mission.ts";
import { HOUR_MS } from "../../../src/core/model/time.ts";
import type { Lived } from "../../../src/core/plan/preview.ts";
import { explainPlan } from "../../../src/core/proposal/explain.ts";
import { isEmptyPlan } from "../../../src/core/proposal/explanation.ts";
import { verdictOf } from "../../../src/core/proposal/verdict.ts";
import type { World } from "../../../src/core/proposal/world.ts";
import { aClone, aDesired, aMission, T0 } from "../../support/fleet.ts";
import { shown } from "../situations/difference.ts";

const FILE = join(import.meta.dirname, "reviews.txt");
const HEAD = "b".repeat(40);

interface Change {
  readonly base?: DesiredState | null;
  readonly head: DesiredState;
  readonly lived?: Partial<Lived>;
}

function mission(
  limits: Partial<MissionLimits> = {},
  change: { name?: string; clone?: string; run?: number } & Partial<DesiredMission["contract"]> = {},
): DesiredMission {
  const { name = "audit", clone = "scribe", run = 1, ...contract } = change;
  const made = aMission(name, clone, { limits, run });
  return { ...made, contract: { ...made.contract, ...contract } };
}

function budget(max_runtime_minutes: number, max_llm_calls: number | null, max_cost_usd: number | null) {
  return { budget: { max_runtime_minutes, max_llm_calls, max_cost_usd } };
}

function tools(allowed_tools: string[], forbidden_tools: string[] = [], approval_required: string[] = []) {
  return { constraints: { allowed_tools, forbidden_tools, approval_required } };
}

function fleet(
  clones: readonly DesiredClone[],
  missions: readonly DesiredMission[] = [],
  more: Parameters<typeof aDesired>[0] = {},
): DesiredState {
  return aDesired({ clones, missions, ...more });
}

const scribe = aClone("scribe", {
  secrets: [
    { name: "KEY", from: { env: "FLEET_KEY" } },
    { name: "CERT", from: { file: "/etc/cert" } },
  ],
});
const other = aClone("other");
const BASE = fleet([scribe], [mission()]);
const IDLE = fleet([scribe]);
const tomorrow = { type: "fixed", startAt: T0 + 24 * HOUR_MS, endAt: T0 + 30 * HOUR_MS } as const;
const nightly = { type: "recurring", cron: "0 22 * * *", durationMinutes: 60, timezone: "UTC" } as const;

const CHANGES: Readonly<Record<string, Change>> = {
  "a fleet that has nothing yet": { base: null, head: BASE },
  "nothing changes": { head: BASE },
  "a second mission on a clone of its own": {
    head: fleet([scribe, other], [mission(), mission(budget(5, 100, 2), { name: "survey", clone: "other" })]),
  },
  "two missions with limits, one without": {
    base: null,
    head: fleet(
      [scribe, other, aClone("third")],
      [
        mission(budget(5, 100, 2)),
        mission(budget(7, 20, 3), { name: "survey", clone: "other" }),
        mission(budget(9, null, null), { name: "trip", clone: "third" }),
      ],
    ),
  },
  "one with a limit on calls alone": {
    base: null,
    head: fleet([scribe], [mission(budget(5, 100, null), tools(["read"], ["network"], ["push", "mail"]))]),
  },
  "a mission without its clone": { base: null, head: fleet([other], [mission()]) },
  "its window opens tomorrow": {
    base: null,
    head: fleet([scribe], [mission({ autonomy_window: tomorrow })]),
  },
  "its window is open": {
    base: null,
    head: fleet(
      [scribe],
      [mission({ autonomy_window: { type: "fixed", startAt: T0 - 1, endAt: T0 + HOUR_MS } })],
    ),
  },
  "its window has no end": {
    base: null,
    head: fleet([scribe], [mission({ autonomy_window: { type: "fixed", startAt: T0 - 1, endAt: null } })]),
  },
  "its window is over": {
    base: null,
    head: fleet([scribe], [mission({ autonomy_window: { type: "fixed", startAt: null, endAt: T0 - 1 } })]),
  },
  "it opens every night": { base: null, head: fleet([scribe], [mission({ autonomy_window: nightly })]) },
  "it is paused from the beginning": { base: null, head: fleet([scribe], [mission({ state: "paused" })]) },
  "it is cancelled from the beginning": {
    base: null,
    head: fleet([scribe], [mission({ state: "cancelled" })]),
  },
  "it was cancelled before": {
    base: fleet([scribe], [mission({ state: "cancelled" })]),
    head: fleet([scribe], [mission({ state: "cancelled" })]),
  },
  "its kill switch was engaged before": {
    base: fleet([scribe], [mission({ kill_switch: { engaged: true } })]),
    head: fleet([scribe], [mission({ kill_switch: { engaged: true } })]),
  },
  "it is paused": { head: fleet([scribe], [mission({ state: "paused" })]) },
  "it is cancelled": { head: fleet([scribe], [mission({ state: "cancelled" })]) },
  "its kill switch is engaged": { head: fleet([scribe], [mission({ kill_switch: { engaged: true } })]) },
  "its file is removed": { head: IDLE },
  "its clone's file is removed": {
    head: fleet([other], []),
    base: fleet([scribe, other, aClone("a"), aClone("b"), aClone("c")], [mission()]),
  },
  "one clone of many is removed": {
    base: fleet([scribe, other, aClone("a"), aClone("b"), aClone("c")], [mission()]),
    head: fleet([other, aClone("a"), aClone("b"), aClone("c")], []),
  },
  "its clone is broken": { head: fleet([], [mission()], { broken: new Set(["clone/scribe"]) }) },
  "its next run, while it runs": { head: fleet([scribe], [mission({}, { run: 2 })]) },
  "its next run, after its end": {
    head: fleet([scribe], [mission({}, { run: 2 })]),
    lived: { closed: new Set([mission().missionId]) },
  },
  "the same run, after its end": { head: BASE, lived: { closed: new Set([mission().missionId]) } },
  "its clone was retired": { head: BASE, lived: { retired: new Set(["scribe"]) } },
  "nobody runs": { head: BASE, lived: { running: new Set() } },
  "somebody else runs": { head: BASE, lived: { running: new Set(["other"]) } },
  "another objective, while it runs": { head: fleet([scribe], [mission({}, { objective: "do more" })]) },
  "another workspace, while it works": {
    head: fleet([aClone("scribe", { secrets: scribe.secrets, workspaceDigest: "sha256:new" })], [mission()]),
    lived: { running: new Set(["scribe"]) },
  },
  "another workspace, while nobody works": {
    base: IDLE,
    head: fleet([aClone("scribe", { secrets: scribe.secrets, workspaceDigest: "sha256:new" })]),
  },
  "weaker isolation, another command": {
    base: fleet([aClone("scribe", { runtime: { driver: "fake", isolation: "cgroup" } })], [mission()]),
    head: fleet(
      [
        aClone("scribe", {
          runtime: { driver: "fake", isolation: "group" },
          agent: { ...scribe.agent, command: ["python", "agent.py"] },
        }),
      ],
      [mission()],
    ),
  },
  "stronger isolation, more approvals": {
    head: fleet(
      [aClone("scribe", { runtime: { driver: "fake", isolation: "pidns" }, approvalRequired: ["push"] })],
      [mission()],
    ),
  },
  "a secret comes, one goes, one moves": {
    head: fleet(
      [
        aClone("scribe", {
          secrets: [
            { name: "KEY", from: { env: "OTHER_KEY" } },
            { name: "TOKEN", from: { env: "TOKEN" } },
          ],
        }),
      ],
      [mission()],
    ),
  },
  "a clone with secrets is started": { base: IDLE, head: BASE },
  "a larger budget": {
    base: fleet([scribe], [mission(budget(5, 10, 1))]),
    head: fleet([scribe], [mission(budget(6, 20, null))]),
  },
  "a smaller budget": {
    base: fleet([scribe], [mission(budget(5, null, 2))]),
    head: fleet([scribe], [mission(budget(4, 10, 1))]),
  },
  "more tools": {
    base: fleet([scribe], [mission({}, tools(["read"], ["network"], ["push"]))]),
    head: fleet([scribe], [mission({}, tools(["read", "shell"], [], []))]),
  },
  "fewer tools": {
    base: fleet([scribe], [mission({}, tools(["read", "shell"]))]),
    head: fleet([scribe], [mission({}, tools(["read"], ["network"], ["push"]))]),
  },
  "other tools": {
    base: fleet([scribe], [mission({}, tools(["read"], ["a"]))]),
    head: fleet([scribe], [mission({}, tools(["shell"], ["b"]))]),
  },
  "any tool": { base: fleet([scribe], [mission({}, tools(["read"]))]), head: BASE },
  "no longer any tool": { head: fleet([scribe], [mission({}, tools(["read"]))]) },
  "a window": {
    head: fleet(
      [scribe],
      [mission({ autonomy_window: { type: "fixed", startAt: T0 - HOUR_MS, endAt: T0 + 90_500 } })],
    ),
  },
  "no window any more": { base: fleet([scribe], [mission({ autonomy_window: nightly })]), head: BASE },
  "another window": {
    base: fleet([scribe], [mission({ autonomy_window: nightly })]),
    head: fleet([scribe], [mission({ autonomy_window: { type: "fixed", startAt: null, endAt: null } })]),
  },
  "slower heartbeats": { head: fleet([scribe], [mission({ heartbeat_interval_seconds: 60 })]) },
  "two missions want one clone": {
    base: null,
    head: fleet([scribe], [mission(), mission({}, { name: "survey" })]),
  },
};

const worldOf = (lived: Change["lived"]): World =>
  lived === undefined
    ? { type: "assumed", why: "Nobody says" }
    : { type: "told", lived: { closed: new Set(), running: null, retired: new Set(), ...lived } };

function told({ base = BASE, head, lived }: Change): string {
  const desired = { ...head, revision: HEAD };
  const seen = explainPlan({ base, head: desired, world: worldOf(lived), now: T0 });
  const again = explainPlan({ base, head: desired, world: worldOf(lived), now: T0 + 1 });
  const { planHash, starts, parked, stops, newClones, changes, secrets, held, cost, blast, world } = seen;
  const brief = starts.map(
    ({ mission, run, clone, lane, when, window, judging, budget, approvalRequired }) => ({
      mission,
      run,
      clone,
      ...(lane === "clone" ? {} : { lane }),
      budget,
      window,
      ...(approvalRequired.length === 0 ? {} : { approvalRequired }),
      ...(judging.length === 0 ? {} : { judging }),
      when,
    }),
  );
  const rows = changes.flatMap(({ subject, fields, effect }) =>
    fields.map(
      ({ words, before, after, direction }) =>
        `${subject} ${direction}: ${words}, ${before} → ${after}; ${effect}`,
    ),
  );
  const lists = {
    starts: brief,
    parked: parked.map(({ mission, when }) => ({ mission, when })),
    stops,
    secrets,
    held,
  };
  const verdict = verdictOf(seen, []);
  return [
    [verdict.does, verdict.cost, verdict.loosens].filter((part) => part !== null).join(" "),
    ...Object.entries(lists).flatMap(([name, list]) => list.map((one) => `${name}: ${shown(one, T0)}`)),
    ...rows,
    ...newClones.map(({ clone, isolation, command }) => `new: ${shown({ clone, isolation, command }, T0)}`),
    ...world.unknown,
    ...(starts.length === 0 && cost.raisedUsd === 0 ? [] : [`cost: ${shown(cost, T0)}`]),
    `blast: ${shown(blast, T0)}`,
    `${isEmptyPlan(seen) ? "empty" : "not empty"}${again.planHash === planHash ? "" : ", and another hash later"}`,
  ].join("\n  ");
}

if (process.env["UPDATE_GOLDEN"] === "1")
  writeFileSync(
    FILE,
    Object.entries(CHANGES)
      .map(([name, change]) => `${name}\n  ${told(change)}\n`)
      .join("\n"),
  );

/** What a reviewer approved is recognised by it. */
test("plans that do the same have the same hash, and others do not", () => {
  const hashOf = ({ base = BASE, head }: Change): string =>
    explainPlan({ base, head, world: worldOf(undefined), now: T0 }).planHash;
  const [first, windowed, other] = [
    "a fleet that has nothing yet",
    "its window opens tomorrow",
    "it is paused",
  ].map((name) => hashOf(CHANGES[name] ?? { head: BASE }));
  expect(first).toMatch(/^sha256:[0-9a-f]{64}$/);
  // What starts by night alone is not what starts at any time.
  expect(new Set([first, windowed, other]).size).toBe(3);
  expect(hashOf({ base: null, head: { ...BASE, revision: HEAD } })).toBe(first);
});

test.each(Object.entries(CHANGES))("%s", (name, change) => {
  const written = readFileSync(FILE, "utf8").split("\n\n");
  expect(`${name}\n  ${told(change)}`).toBe(written.find((one) => one.startsWith(`${name}\n`))?.trimEnd());
});
