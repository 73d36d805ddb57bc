/** The pages that are written for people, whole. */

import { describe, expect, test } from "vitest";
import { operator, SUPERVISOR } from "../../../src/core/model/actor.ts";
import type { MissionState } from "../../../src/core/model/clone-state.ts";
import { board } from "../../../src/core/status/board.ts";
import { fleetView } from "../../../src/core/status/fleet.ts";
import { inboxOf } from "../../../src/core/status/inbox.ts";
import { pagesOf } from "../../../src/core/status/pages.ts";
import { placesOf } from "../../../src/core/status/places.ts";
import { postmortemSkeleton } from "../../../src/core/status/postmortem.ts";
import type { FleetView } from "../../../src/core/status/view.ts";
import { aClone, aDesired, aMission, Life, REVISION, T0 } from "../../support/fleet.ts";
import { aPicture } from "./snapshot.ts";

const percent = (used: number, limit: number | null) =>
  limit === null ? 0 : Math.min(100, Math.round((used / limit) * 100));
const HOLD = {
  kind: "operator",
  owner: "operator:ann",
  since: T0,
  reason: "PausedByHand",
  message: "wait",
  clearBy: "operator",
} as const;

function page(change: Partial<FleetView> = {}, fleetSnapshot = aPicture([])): string {
  const view = { ...fleetView(fleetSnapshot), ...change };
  const inbox = inboxOf(fleetSnapshot);
  const places = placesOf(view, fleetSnapshot.states, inbox);
  return board(view, { inbox, percent, places, pages: pagesOf(view, fleetSnapshot.states, places) });
}
/** What stands between the first lines and the last ones. */
const middle = (text: string) =>
  text.slice(text.indexOf("\n\n", text.indexOf("No missions")) + 2, text.indexOf("---\n\nWritten by"));

describe("the board", () => {
  test("of an empty fleet says so, and where it was read", () => {
    expect(page()).toBe(
      [
        "# Fleet board",
        "",
        "No missions are declared.",
        "",
        "Read at `aaaaaaaaaaaa`",
        "",
        "---",
        "",
        "Written by Factory; this branch is a report. To change anything, open a pull request against the branch it was read from.",
        "",
      ].join("\n"),
    );
  });

  const source = {
    state: "ok" as const,
    reason: "Read",
    message: "a | b",
    revision: REVISION,
    observedAt: T0,
  };
  test.each<[string, Partial<FleetView>, string]>([
    ["empty for good", { source: { ...source, state: "verified_empty" } }, "Read at `aaaaaaaaaaaa`\n\n"],
    ["read nowhere", { source: { ...source, revision: null } }, "Read at `?`\n\n"],
    ["rolled back", { mode: "in_core_only" }, "Read at `aaaaaaaaaaaa` · mode **in_core_only**\n\n"],
    [
      "unreadable",
      { source: { ...source, state: "error", reason: "Unreachable" } },
      "> ⚠️ **Unreachable**: a \\| b. What was approved last (`aaaaaaaaaaaa`) still holds.\n\n",
    ],
    [
      "never read",
      { source: { ...source, state: "unknown", reason: "X", revision: null } },
      "> ⚠️ **X**: a \\| b. What was approved last (`nothing`) still holds.\n\n",
    ],
  ])("of a repository that is %s", (_, change, wanted) => expect(middle(page(change))).toBe(wanted));

  test("has a table of missions, of clones, and what needs somebody on top", () => {
    const paused = new Life("b").declared().assigned({}, "trip");
    paused.on({ type: "hold.placed", hold: HOLD, by: operator("ann") });
    paused.on({ type: "hold.placed", hold: { ...HOLD, kind: "rollout" }, by: SUPERVISOR });
    const over = new Life("c")
      .declared()
      .assigned({}, "old")
      .on({ type: "kill.requested", by: operator("ann"), reason: "enough", now: true });
    const works = new Life("a").running();
    const text = page({}, aPicture([works, paused, over].map(({ state }) => state)));
    const rows = text.split("\n");
    expect(rows[2]).toBe("**🟢 1 Running · 🟡 1 Paused · ⛔ 1 Cancelled**");
    expect(rows.slice(4, rows.indexOf("## Missions"))).toEqual([
      "Read at `aaaaaaaaaaaa`",
      "",
      "## Needs a decision",
      "",
      "- 🟠 **old** (closure): closed, ignored: killed: enough; what becomes of c?",
      "  `factory closure old` · `factory closure old --decide retire` · `factory closure old --decide standby`",
      "- 🔵 **trip** (operator): wait",
      "  `factory resume trip`",
      "",
    ]);
    expect(rows.slice(rows.indexOf("## Missions"))).toEqual([
      "## Missions",
      "",
      "| Mission | Phase | Last said | Runtime | |",
      "|---|---|---|---|---|",
      expect.stringMatching(
        /^\| 🟢 \*\*audit\*\* \| Running \| accepted \| [▰▱]{10} \d+ % of 10 min \| \[status\]\(missions\/audit\/status.yaml\) \|$/,
      ),
      "| ⛔ **old** | Cancelled, ignored | killed: enough | ▱▱▱▱▱▱▱▱▱▱ 0 % of 10 min | [status](missions/old/status.yaml) · [closure](missions/old/closure.md) · [scorecard](missions/old/scorecard.yaml) |",
      "| 🟡 **trip** | Paused | wait | ▱▱▱▱▱▱▱▱▱▱ 0 % of 10 min | [status](missions/trip/status.yaml) |",
      "",
      "## Clones",
      "",
      "| Clone | Phase | Mission | Instance | Holds |",
      "|---|---|---|---|---|",
      "| [`a`](clones/a/status.yaml) | Running | audit | epoch 1, starting, pidns | – |",
      "| [`b`](clones/b/status.yaml) | Idle | trip | – | operator, rollout |",
      "| [`c`](clones/c/status.yaml) | Idle | – | – | – |",
      "",
      "---",
      "",
      "Written by Factory; this branch is a report. To change anything, open a pull request against the branch it was read from.",
      "",
    ]);
  });

  test("shows a runtime in tenths", () => {
    const [mission] = fleetView(aPicture([new Life("a").running().state])).missions;
    const runtime = (activeMs: number) =>
      /[▰▱]+ \d+ %/.exec(
        page({
          missions: mission === undefined ? [] : [{ ...mission, usage: { ...mission.usage, activeMs } }],
        }),
      )?.[0];
    expect([0, 180_000, 330_000, 600_000].map(runtime)).toEqual([
      "▱▱▱▱▱▱▱▱▱▱ 0 %",
      "▰▰▰▱▱▱▱▱▱▱ 30 %",
      "▰▰▰▰▰▰▱▱▱▱ 55 %",
      "▰▰▰▰▰▰▰▰▰▰ 100 %",
    ]);
  });

  test("says what is held, how drills went, and what is wrong with files", () => {
    const drill = {
      at: "2026-11-23",
      target: "a",
      enter: "term" as const,
      passed: true,
      deathMs: 9,
      containment: "pidns" as const,
      rung: "kill",
      evidence: "x",
    };
    const plan = { schedule: "0 4 * * *", timezone: "UTC", nextAt: null };
    const held = [{ subject: "clone/a", step: "prune" as const, reason: "X", message: "a | b" }];
    const issues = [
      { severity: "error" as const, file: "a.yaml", line: 7, reason: "X", message: "a | b" },
      { severity: "warning" as const, file: "b.yaml", reason: "Y", message: "c" },
    ] as unknown as FleetView["issues"];
    const drills = { plan, newest: [drill, { ...drill, target: "b", passed: false }], overdue: [] };
    expect(middle(page({ held, drills, issues }))).toBe(
      [
        "Read at `aaaaaaaaaaaa`",
        "",
        "## Held back",
        "",
        "- **clone/a** prune: X — a \\| b",
        "",
        "## Drills of the kill",
        "",
        "Planned: `0 4 * * *` UTC.",
        "",
        "| Target | Last | Result |",
        "|---|---|---|",
        "| ✅ `a` | 2026-11-23 | dead after 9 ms by kill, containment pidns |",
        "| ❌ `b` | 2026-11-23 | FAILED: x |",
        "",
        "## Issues in files",
        "",
        "- ❌ `a.yaml:7` X: a \\| b",
        "- ⚠️ `b.yaml` Y: c",
        "",
        "",
      ].join("\n"),
    );
    expect(middle(page({ drills: { ...drills, plan: null } }))).toContain(
      "## Drills of the kill\n\n| Target |",
    );
    expect(middle(page({ drills: { ...drills, newest: [] } }))).not.toContain("Drills");
  });

  test("has two hundred rows of each, and says how many more there are", () => {
    const fill = <T>(one: T | undefined, count: number): T[] =>
      one === undefined ? [] : Array.from({ length: count }, () => one);
    const [life] = fleetView(aPicture([new Life("a").running().state])).clones;
    const [mission] = fleetView(aPicture([new Life("a").running().state])).missions;
    const of = (count: number) =>
      page({
        clones: fill(life, count).map((one, n) => ({ ...one, name: `a${n}` })),
        missions: fill(mission, count).map((one, n) => ({ ...one, missionId: `m_${n}`, name: `audit${n}` })),
        held: fill({ subject: "clone/a", step: "prune", reason: "X", message: "m" } as const, count),
        issues: fill({ severity: "error", file: "f", reason: "X", message: "m" } as never, count),
        drills: {
          plan: null,
          overdue: [],
          newest: fill({ target: "t", at: "x", passed: false, evidence: "e" } as never, count),
        },
      });
    expect(of(200)).not.toContain("more.");
    expect(
      of(203)
        .split("\n")
        .filter((line) => line === "… and 3 more."),
    ).toHaveLength(5);
    expect(of(203)).toContain("\n\n… and 3 more.\n\n");
    for (const row of ["| 🟢", "| [`a", "- **clone/a**", "- ❌", "| ❌"])
      expect(
        of(203)
          .split("\n")
          .filter((line) => line.startsWith(row)),
      ).toHaveLength(200);
    const items = Array.from(
      { length: 201 },
      (_, n) => new Life(`c${n}`).declared().on({ type: "hold.placed", hold: HOLD, by: operator("x") }).state,
    );
    const asked = page({}, aPicture(items)).split("\n");
    expect(asked.filter((line) => line.startsWith("- 🔵"))).toHaveLength(200);
    // Of the inbox, and of clones.
    expect(asked.filter((line) => line === "… and 1 more.")).toHaveLength(2);
  });
});

describe("the skeleton of a postmortem", () => {
  const life = new Life().declared({
    secrets: [
      { name: "KEY", from: { env: "K" } },
      { name: "CERT", from: { file: "/c" } },
    ],
  });
  const { state } = life.assigned().planned().prepared().launched();
  const incident = (id: string, severity: "critical" | "high") => ({
    id,
    class: "survivors" as const,
    severity,
    at: T0 + 5_000,
    startedAt: T0,
    endedAt: null,
    message: `${id} | was`,
  });
  const trace = {
    epoch: 1,
    cause: "survivors" as const,
    at: T0,
    path: "/traces/1",
    digest: "sha256:2",
    files: 9,
    bytes: 1,
    missing: ["a", "b"],
    timeline: ["12:00 began", "12:01 ended"],
    lastActions: ["use `x`", "y"],
    changedFiles: ["new a", "new b"],
  };
  const skeleton = (change: Partial<MissionState>, of = state) =>
    postmortemSkeleton(of, { ...(of.mission as MissionState), ...change });
  const section = (text: string, name: string) =>
    new RegExp(`## ${name}\n\n([^]*?)\n\n##`).exec(`${text}\n\n##`)?.[1];

  test("has everything that the record knows, and the headings that people fill in", () => {
    const { missionId } = aMission("audit", "scribe");
    const text = skeleton({
      incidents: [
        incident("crash.1", "high"),
        incident("survivors.2", "critical"),
        incident("survivors.3", "critical"),
      ],
      terminal: {
        status: "failed",
        at: T0 + 9_000,
        reason: "it | broke",
        by: { type: "instance", clone: "scribe", epoch: 1 },
      },
      traces: [
        { ...trace, timeline: ["old"], changedFiles: ["old"], missing: [] },
        { ...trace, epoch: 2 },
      ],
      artifacts: [{ path: "a.json" }, { path: "b.json" }] as never,
      proof: { containment: "cgroup" } as never,
      trust: "metered",
      llmCalls: 13,
      costMicros: 1_300_000,
      activeMs: 61_000,
      limits: {
        ...aMission("audit", "scribe").limits,
        budget: { max_runtime_minutes: 10, max_llm_calls: 100, max_cost_usd: 5 },
      },
    });
    expect(text.split("\n").slice(0, 37)).toEqual([
      "---",
      `mission_id: ${missionId}`,
      "author:",
      "reviewed_by:",
      "---",
      "",
      "# Postmortem: audit, run 1",
      "",
      `<!-- Fill in the empty sections and both names, and merge this as postmortems/${missionId}.md. The mission is closed then. -->`,
      "",
      "## What happened",
      "",
      "- 2026-11-23T12:00:05.000Z **survivors.2** survivors.2 \\| was",
      "- 2026-11-23T12:00:05.000Z **survivors.3** survivors.3 \\| was",
      "",
      "## Trigger",
      "",
      "survivors.2 \\| was Began 2026-11-23T12:00:00.000Z, noticed 2026-11-23T12:00:05.000Z.",
      "Ended as failed at 2026-11-23T12:00:09.000Z by instance:scribe/1: it \\| broke",
      "",
      "## Timeline",
      "",
      "- 12:00 began",
      "- 12:01 ended",
      "",
      "## Last actions",
      "",
      "- `use 'x'`",
      "- `y`",
      "- `use 'x'`",
      "- `y`",
      "",
      "## Cost",
      "",
      "- active 1 min 1 s of 10 min",
      "- LLM calls 13 of 100",
      "- cost $1.30 of $5 (metered)",
    ]);
    expect(section(text, "Blast radius")?.split("\n")).toEqual([
      "- clone `scribe`, epochs up to 1, containment cgroup",
      "- secrets it was given: KEY, CERT",
      "- artifacts it handed in: `a.json`, `b.json`",
      "- files of its workspace that it changed: `new a`, `new b`",
    ]);
    expect(section(text, "Trace")?.split("\n")).toEqual([
      "- epoch 1 (survivors): `/traces/1`, manifest `sha256:2`, 9 files",
      "- epoch 2 (survivors): `/traces/1`, manifest `sha256:2`, 9 files; without a; b",
    ]);
    for (const name of ["Root cause", "What is done about it", "Proposed guardrail"])
      expect(section(text, name)?.trim()).toMatch(/^<!-- .* -->$/);
  });

  test("says what nobody knows", () => {
    const text = skeleton({}, { ...state, spec: aClone("scribe"), recent: [] });
    expect(section(text, "Trigger")).toBe("Unknown.\n");
    expect(section(text, "Timeline")).toBe("Nothing is on record.");
    expect(section(text, "Last actions")).toBe("None that the agent told of.");
    expect(section(text, "Cost")?.split("\n").slice(1)).toEqual([
      "- LLM calls unknown of no limit",
      "- cost unknown of no limit (none)",
    ]);
    expect(section(text, "Blast radius")?.split("\n")).toEqual([
      "- clone `scribe`, epochs up to 1, containment unknown",
      "- secrets it was given: none",
      "- artifacts it handed in: none",
      "- files of its workspace that it changed: none that are known",
    ]);
    expect(section(text, "Trace")).toBe("No bundle could be kept.");
    expect(section(skeleton({}, { ...state, spec: null }), "Blast radius")).toContain("given: none");
    const [first] = state.recent;
    expect(section(skeleton({}), "Timeline")?.split("\n")[0]).toMatch(
      new RegExp(`^- ${new Date(first?.at ?? 0).toISOString()} `),
    );
  });
});

test("nothing of a desired state alone stands on the board", () => {
  expect(middle(page({}, aPicture([], { desired: aDesired({ clones: [aClone("a")] }) })))).toBe(
    "Read at `aaaaaaaaaaaa`\n\n",
  );
});
