/** Which way a change of each field goes. A row for every field, and no field without one. */
import { describe, expect, test } from "vitest";
import type { Direction } from "../../../src/core/meaning/direction.ts";
import { withoutMeaning } from "../../../src/core/meaning/field.ts";
import { CLONE_DERIVED, CLONE_MEANINGS, cloneChanges } from "../../../src/core/meaning/of-clones.ts";
import { FLEET_DERIVED, FLEET_MEANINGS, fleetChanges } from "../../../src/core/meaning/of-fleet.ts";
import {
  CONTRACT_MEANINGS,
  contractChanges,
  LIMIT_MEANINGS,
  limitChanges,
} from "../../../src/core/meaning/of-missions.ts";
import { compareWindows } from "../../../src/core/meaning/window.ts";
import type { DesiredClone } from "../../../src/core/model/clone.ts";
import { DEFAULT_FLEET_POLICY, type FleetPolicy } from "../../../src/core/model/desired.ts";
import type { AutonomyWindow, MissionContract, MissionLimits } from "../../../src/core/model/mission.ts";
import { aClone, aDesired, aMission, T0 } from "../../support/fleet.ts";

const HOUR = 3_600_000;
type Row<T> = readonly [what: string, from: Partial<T>, to: Partial<T>, direction: Direction];

/** Every row is read in both directions. */
function bothWays<T>(
  rows: readonly Row<T>[],
  of: (from: Partial<T>, to: Partial<T>) => readonly { readonly direction: Direction }[],
) {
  const back = { loosened: "tightened", tightened: "loosened", changed: "changed" } as const;
  test.each(rows)("%s", (_, from, to, direction) => {
    expect(of(from, to).map((change) => change.direction)).toEqual([direction]);
    expect(of(to, from).map((change) => change.direction)).toEqual([back[direction]]);
    expect(of(from, from)).toEqual([]);
  });
}

describe("of a mission's limits", () => {
  const { limits } = aMission("audit", "a");
  const budget = (max_cost_usd: number | null) => ({ budget: { ...limits.budget, max_cost_usd } });
  const thresholds = (pause_percent: number) => ({
    budget_thresholds: { notify_percent: 10, warn_percent: 20, pause_percent },
  });
  bothWays<MissionLimits>(
    [
      ["a raised budget", budget(5), budget(6), "loosened"],
      ["no budget any more", budget(5), budget(null), "loosened"],
      ["a later pause", thresholds(80), thresholds(90), "loosened"],
      [
        "a slower heartbeat",
        { heartbeat_interval_seconds: 5 },
        { heartbeat_interval_seconds: 50 },
        "loosened",
      ],
      ["a pause that ends", { state: "paused" }, { state: "active" }, "loosened"],
      ["a stop that is taken back", { state: "cancelled" }, { state: "paused" }, "loosened"],
      [
        "a kill switch that is let go",
        { kill_switch: { engaged: true } },
        { kill_switch: { engaged: false } },
        "loosened",
      ],
      [
        "progress that nobody watches",
        { mission_progress_interval_seconds: 5 },
        { mission_progress_interval_seconds: null },
        "loosened",
      ],
      [
        "more patience with blockers",
        { blocked: { escalate_after: 3, window_minutes: 9 } },
        { blocked: { escalate_after: 4, window_minutes: 9 } },
        "loosened",
      ],
      [
        "a shorter memory for blockers",
        { blocked: { escalate_after: 3, window_minutes: 9 } },
        { blocked: { escalate_after: 3, window_minutes: 5 } },
        "loosened",
      ],
      ["a longer grace", { pause_grace_seconds: 1 }, { pause_grace_seconds: 9 }, "loosened"],
      ["a grace of its own", {}, { pause_grace_seconds: 9 }, "changed"],
      ["other reports", { report_cadence: "hybrid" }, { report_cadence: "milestone" }, "changed"],
    ],
    (from, to) => limitChanges({ ...limits, ...from }, { ...limits, ...to }),
  );
});

describe("of a contract", () => {
  const { contract } = aMission("audit", "a");
  const tools = (
    allowed: readonly string[],
    forbidden: readonly string[] = [],
  ): Partial<MissionContract> => ({
    constraints: { allowed_tools: allowed, forbidden_tools: forbidden, approval_required: [] },
  });
  const check = (change: object = {}): Partial<MissionContract> => ({
    success_criteria: [{ id: "x", text: "y", check: { run: ["true"], timeout_seconds: 5, ...change } }],
  });
  const outputs = (
    ...required_outputs: MissionContract["artifact_policy"]["required_outputs"]
  ): Partial<MissionContract> => ({
    artifact_policy: { required_outputs, storage_scope: "factory" },
  });
  bothWays<MissionContract>(
    [
      ["one tool more", tools(["read"]), tools(["read", "shell"]), "loosened"],
      ["any tool", tools(["read"]), tools([]), "loosened"],
      ["another tool", tools(["read"]), tools(["shell"]), "changed"],
      ["one tool less that is forbidden", tools([], ["network", "mail"]), tools([], ["mail"]), "loosened"],
      ["another tool that is forbidden", tools([], ["network"]), tools([], ["mail"]), "changed"],
      ["no criterion", check(), { success_criteria: [] }, "loosened"],
      ["a check with the network", check(), check({ network: true }), "loosened"],
      ["another check", check(), check({ run: ["false"], network: true }), "changed"],
      ["no output", outputs({ path: "a" }), outputs(), "loosened"],
      ["an output without a schema", outputs({ path: "a", schema: "s" }), outputs({ path: "a" }), "loosened"],
      [
        "an output that may replace what judges it",
        outputs({ path: "a" }),
        outputs({ path: "a", replaces: true }),
        "loosened",
      ],
      [
        "an output that goes further",
        outputs({ path: "a" }),
        { artifact_policy: { required_outputs: [{ path: "a" }], storage_scope: "pushback" } },
        "loosened",
      ],
      ["consent to what nobody measures", {}, { accept_unmetered: true }, "loosened"],
      ["another objective", {}, { objective: "more" }, "changed"],
    ],
    (from, to) =>
      contractChanges(
        { ...aMission("audit", "a"), contract: { ...contract, ...from } },
        { ...aMission("audit", "a"), contract: { ...contract, ...to } },
      ),
  );
});

describe("of a clone", () => {
  const runtime = (change: object): Partial<DesiredClone> => ({
    runtime: { driver: "process", isolation: "pidns", ...change },
  });
  const resources = (change: object) => runtime({ resources: { demanded: [], ...change } });
  const rule = (change: object = {}): Partial<DesiredClone> => ({
    approvalRules: [{ action: "push", approvers: ["ada"], quorum: 1, expiresMs: 1_000, ...change }],
  });
  const { agent } = aClone("a");
  bothWays<DesiredClone>(
    [
      ["weaker isolation", {}, runtime({ isolation: "group" }), "loosened"],
      ["more memory", resources({ memoryMb: 1 }), resources({ memoryMb: 2 }), "loosened"],
      ["no limit on memory", resources({ memoryMb: 1 }), resources({}), "loosened"],
      ["a limit that is not insisted on", resources({ demanded: ["pids"] }), resources({}), "loosened"],
      ["a secret", {}, { secrets: [{ name: "K", from: { env: "K" } }] }, "loosened"],
      [
        "another secret of the same name",
        { secrets: [{ name: "K", from: { env: "K" } }] },
        { secrets: [{ name: "K", from: { env: "L" } }] },
        "changed",
      ],
      [
        "an action that waits for nobody",
        { approvalRequired: ["push", "mail"] },
        { approvalRequired: ["mail"] },
        "loosened",
      ],
      ["a rule less", rule(), {}, "loosened"],
      ["a smaller quorum", rule({ quorum: 2 }), rule(), "loosened"],
      ["one approver more", rule(), rule({ approvers: ["ada", "bob"] }), "loosened"],
      ["anybody may approve", rule(), rule({ approvers: [] }), "loosened"],
      ["a health check less", { healthChecks: [{ name: "h", run: ["true"], timeoutMs: 1 }] }, {}, "loosened"],
      ["an agent that tells nothing", {}, { agent: { ...agent, usage: "none" } }, "loosened"],
      ["another command", {}, { agent: { ...agent, command: ["sh"] } }, "changed"],
      [
        "it goes on without a controller",
        { orphanPolicy: { action: "terminate", afterMs: 1 } },
        { orphanPolicy: { action: "continue", afterMs: 1 } },
        "loosened",
      ],
      [
        "more of its overlay at once",
        { parallelCaps: [{ overlay: "o", max: 1 }] },
        { parallelCaps: [{ overlay: "o", max: 2 }] },
        "loosened",
      ],
      ["back from retirement", { state: "retired" }, { state: "ready" }, "loosened"],
      ["more restarts", {}, { restart: { ...aClone("a").restart, intensity: 9 } }, "loosened"],
    ],
    (from, to) =>
      cloneChanges(
        aClone("a", { runtime: { driver: "process", isolation: "pidns" }, ...from }),
        aClone("a", { runtime: { driver: "process", isolation: "pidns" }, ...to }),
      ),
  );

  test("has the class of its drift, so that both say the same of a living instance", () => {
    const [change] = cloneChanges(aClone("a"), aClone("a", { agent: { ...agent, command: ["sh"] } }));
    expect(change?.class).toBe("restart_resume");
  });
});

describe("of fleet.yaml", () => {
  const P = DEFAULT_FLEET_POLICY;
  const rails = (change: object): Partial<FleetPolicy> => ({ guardrails: { ...P.guardrails, ...change } });
  bothWays<FleetPolicy>(
    [
      [
        "a higher cap",
        { caps: { ...P.caps, maxCostUsd: 1 } },
        { caps: { ...P.caps, maxCostUsd: 2 } },
        "loosened",
      ],
      ["no cap", { caps: { ...P.caps, maxCostUsd: 1 } }, {}, "loosened"],
      ["more at once", {}, { caps: { ...P.caps, maxParallelMissions: 99 } }, "loosened"],
      ["a day's cap less", { dayCaps: { ...P.dayCaps, maxCostUsd: 1 } }, {}, "loosened"],
      ["back to normal", { mode: "in_core_only" }, {}, "loosened"],
      ["what nothing holds", {}, { isolation: { ...P.isolation, allowGroup: true } }, "loosened"],
      [
        "a share that is written to",
        { isolation: { ...P.isolation, shares: [{ path: "/x", access: "read" }] } },
        { isolation: { ...P.isolation, shares: [{ path: "/x", access: "write" }] } },
        "loosened",
      ],
      [
        "a share",
        {},
        { isolation: { ...P.isolation, shares: [{ path: "/x", access: "read" }] } },
        "loosened",
      ],
      ["a weaker default", {}, { defaults: { ...P.defaults, isolation: "group" } }, "loosened"],
      [
        "a slower default heartbeat",
        {},
        { defaults: { ...P.defaults, heartbeatIntervalSeconds: 99 } },
        "loosened",
      ],
      ["a variable that clones may name", {}, { secrets: { ...P.secrets, env: ["KEY"] } }, "loosened"],
      ["a guardrail that gives way", {}, rails({ minSuccessPercent: 10 }), "loosened"],
      ["a guardrail that waits longer", {}, rails({ sustainedMinutes: 600 }), "loosened"],
      ["running missions that are not paused", rails({ onBreach: "pause" }), {}, "loosened"],
      ["a rollback that is lifted", {}, rails({ lift: "rollback-0" }), "loosened"],
      ["no canary", {}, { rollout: { ...P.rollout, canary: 0 } }, "loosened"],
      ["no way back", {}, { rollout: { ...P.rollout, autoRevert: false } }, "loosened"],
      ["a kill switch that is let go", { killSwitch: { ...P.killSwitch, engaged: true } }, {}, "loosened"],
      ["a label that is let go", { killSwitch: { ...P.killSwitch, labels: { team: "x" } } }, {}, "loosened"],
      [
        "a rule less",
        { approvalRules: [{ action: "push", approvers: [], quorum: 1, expiresMs: 1 }] },
        {},
        "loosened",
      ],
      [
        "a price that falls",
        { prices: { m: { input: 2, output: 2, cacheRead: 2, cacheWrite: 2 } } },
        { prices: { m: { input: 1, output: 1, cacheRead: 1, cacheWrite: 1 } } },
        "loosened",
      ],
      [
        "nobody is told",
        {
          simone: {
            ...P.simone,
            notify: [{ name: "ops", type: "log", events: ["kill"], minSeverity: "low" }],
          },
        },
        {},
        "loosened",
      ],
      [
        "no drill",
        { drills: { kill: { schedule: "0 0 * * *", timezone: "UTC", targets: "all" } } },
        {},
        "loosened",
      ],
    ],
    (from, to) => fleetChanges(aDesired({ fleet: { ...P, ...from } }), aDesired({ fleet: { ...P, ...to } })),
  );

  test("proposals of strangers that are planned as well are loosened, and another forge has to be read", () => {
    const forge: NonNullable<FleetPolicy["forge"]> = {
      type: "github",
      api: "https://api.github.com",
      owner: "o",
      repository: "r",
      auth: { type: "token", token: { env: "TOKEN" } },
      webhookSecret: null,
      forks: "ignore",
    };
    const of = (from: FleetPolicy["forge"], to: FleetPolicy["forge"]) =>
      fleetChanges(aDesired({ fleet: { ...P, forge: from } }), aDesired({ fleet: { ...P, forge: to } })).map(
        ({ direction }) => direction,
      );
    expect(of(forge, { ...forge, forks: "plan" })).toEqual(["loosened"]);
    expect(of({ ...forge, forks: "plan" }, forge)).toEqual(["tightened"]);
    expect(of(null, forge)).toEqual(["changed"]);
    expect(of(forge, { ...forge, owner: "x", forks: "plan" })).toEqual(["changed"]);
  });

  test("a deletion that is confirmed is loosened", () => {
    expect(fleetChanges(aDesired(), aDesired({ confirmDeletion: "a".repeat(40) }))).toMatchObject([
      { direction: "loosened" },
    ]);
  });
});

describe("windows are compared by what lies in them", () => {
  const fixed = (from: number | null, to: number | null): AutonomyWindow => ({
    type: "fixed",
    startAt: from === null ? null : T0 + from * HOUR,
    endAt: to === null ? null : T0 + to * HOUR,
  });
  const cron = (expression: string, hours: number, timezone = "UTC"): AutonomyWindow => ({
    type: "recurring",
    cron: expression,
    durationMinutes: hours * 60,
    timezone,
  });
  test.each<[string, AutonomyWindow | null, AutonomyWindow | null, Direction]>([
    ["no window any more", fixed(0, 1), null, "loosened"],
    ["a window", null, cron("0 1 * * *", 2), "tightened"],
    ["one that holds no moment back", null, fixed(null, null), "changed"],
    ["a longer one", fixed(1, 2), fixed(0, 2), "loosened"],
    ["one without an end", fixed(1, 2), fixed(1, null), "loosened"],
    ["one that has moved", fixed(0, 2), fixed(1, 3), "changed"],
    [
      "longer nights",
      cron("0 20 * * 1-5", 10, "Europe/Berlin"),
      cron("0 18 * * 1-5", 14, "Europe/Berlin"),
      "loosened",
    ],
    ["fewer nights", cron("0 20 * * *", 10), cron("0 20 * * 1-5", 10), "tightened"],
    ["other nights", cron("0 20 * * 1-5", 10), cron("0 20 * * 6,0", 10), "changed"],
    ["the same clock elsewhere", cron("0 20 * * *", 2), cron("0 20 * * *", 2, "Asia/Tokyo"), "changed"],
    ["every hour, all of it", cron("0 * * * *", 1), cron("0 8 * * *", 2), "tightened"],
    ["a night out of many", cron("0 20 * * *", 10), fixed(10, 12), "tightened"],
    ["many nights instead of one", fixed(10, 12), cron("0 20 * * *", 10), "loosened"],
    ["an hour of the day out of many nights", cron("0 20 * * *", 10), fixed(0, 2), "changed"],
  ])("%s", (_, before, after, direction) => expect(compareWindows(before, after)).toBe(direction));
});

describe("every field has its words", () => {
  const full: FleetPolicy = {
    ...DEFAULT_FLEET_POLICY,
    defaults: {
      ...DEFAULT_FLEET_POLICY.defaults,
      resources: { cpuMillis: 1, memoryMb: 1, pids: 1, diskMb: 1 },
    },
  };
  test("of fleet.yaml", () => expect(withoutMeaning(full, FLEET_MEANINGS)).toEqual(FLEET_DERIVED));
  test("of a clone", () => {
    const clone = aClone("a", {
      labels: {},
      parallelCaps: [],
      pauseGraceMs: 1,
      update: "turn_boundary",
      approvalRules: [],
      runtime: {
        driver: "process",
        isolation: "group",
        resources: { cpuMillis: 1, memoryMb: 1, pids: 1, diskMb: 1, demanded: [] },
      },
      agent: { ...aClone("a").agent, usage: "none", account: "x" },
    });
    expect(withoutMeaning(clone, CLONE_MEANINGS).toSorted()).toEqual([...CLONE_DERIVED].toSorted());
  });
  test("of a contract and of limits", () => {
    const { contract, limits } = aMission("audit", "a");
    // A raised run is a start, and told as one.
    expect(withoutMeaning({ ...contract, accept_unmetered: true }, CONTRACT_MEANINGS)).toEqual(["run"]);
    const budget_thresholds = { notify_percent: 1, warn_percent: 2, pause_percent: 3 };
    expect(withoutMeaning({ ...limits, budget_thresholds, pause_grace_seconds: 1 }, LIMIT_MEANINGS)).toEqual(
      [],
    );
  });
  test("and none of them is a name of the program", () => {
    const all = [...FLEET_MEANINGS, ...CLONE_MEANINGS, ...CONTRACT_MEANINGS, ...LIMIT_MEANINGS];
    for (const { words, field } of all) {
      expect(words).not.toMatch(/[a-z][A-Z]/);
      expect(field).not.toMatch(/[a-z][A-Z]/);
    }
  });
});
