/** The fleet as a whole on the status branch, and a record that gets it back after a loss. */
import { describe, expect, test } from "vitest";
import { foldFleet } from "../../../src/core/fleet/decide.ts";
import { controllerPart, operator } from "../../../src/core/model/actor.ts";
import type { FleetEvent } from "../../../src/core/model/fleet-event.ts";
import { type FleetState, INITIAL_FLEET } from "../../../src/core/model/fleet-state.ts";
import { engage, NOTHING_ENGAGED, switchText } from "../../../src/core/model/kill-switch.ts";
import { anchorText } from "../../../src/core/record/anchor.ts";
import { fleetText, readFleet } from "../../../src/core/record/published-fleet.ts";
import { planRebuild, type Rebuild, type RecordFiles } from "../../../src/core/record/rebuild.ts";
import { T0 } from "../../support/fleet.ts";
import { NO_FILES } from "../../support/published.ts";

const PATH = ".factory/fleet.json";
const ANN = operator("ann");
const EVENTS: readonly FleetEvent[] = [
  {
    type: "switch.engaged",
    by: ANN,
    from: "command",
    entry: { scope: { type: "mission", name: "audit" }, by: "operator:ann", reason: "x", at: "2026-11-23" },
  },
  {
    type: "pin.placed",
    by: controllerPart("guardrails"),
    id: "rollback-1",
    expiresAt: T0 + 1,
    breaches: [],
    revision: "c".repeat(40),
  },
  {
    type: "rollout.begun",
    by: ANN,
    group: "ua+plain",
    digest: "sha256:new",
    revision: "c".repeat(40),
    stable: "sha256:old",
  },
  { type: "deletion.held", by: ANN, pending: { revision: "d".repeat(40), names: ["clone/scribe"] } },
];
const FLEET: FleetState = foldFleet(EVENTS.map((event) => ({ event, at: T0 })));

function rebuilt(files: Partial<RecordFiles>): Rebuild {
  const anchor = { installation: "i", repository: "r", seq: 9, hash: "a".repeat(64), first: "b".repeat(64) };
  return planRebuild({
    files: { ...NO_FILES, journal: anchorText(anchor), ...files },
    instances: [],
    workspaces: new Set(),
    keyKept: true,
    commit: "e".repeat(40),
    now: T0,
  });
}

describe("the fleet on the status branch", () => {
  test("is read back as everything that it holds", () => {
    const { version: _version, record: _record, ...snapshot } = FLEET;
    expect(readFleet(PATH, fleetText(FLEET))).toEqual(snapshot);
  });

  test("is the same text for the same state, and says nothing of how often it changed", () => {
    expect(fleetText({ ...FLEET, version: 99 })).toBe(fleetText(FLEET));
  });

  test.each([
    "",
    "{",
    "[]",
    "{}",
    '{"format":1}',
    '{"format":1,"fleet":{}}',
    '{"format":1,"fleet":{"killSwitch":{}}}',
  ])("that is %j is refused: what was engaged is not released by a text that cannot be read", (text) =>
    expect(() => readFleet(PATH, text)).toThrow(/fleet\.json on the status branch cannot be used/),
  );

  test.each(Object.keys(INITIAL_FLEET).filter((part) => part !== "version" && part !== "record"))(
    "without its %s is refused",
    (part) => {
      const whole = JSON.parse(fleetText(FLEET)) as { fleet: Record<string, unknown> };
      delete whole.fleet[part];
      expect(() => readFleet(PATH, JSON.stringify(whole))).toThrow(/cannot be used/);
    },
  );

  test("of a newer program says which program to run", () => {
    expect(() => readFleet(PATH, '{"format":2,"fleet":{}}')).toThrow("run the newer program");
  });
});

describe("a rebuilt record", () => {
  test("has the fleet as it was published, and says what goes on", () => {
    const { fleet, problems } = rebuilt({ fleet: { path: PATH, text: fleetText(FLEET) } });
    const { version: _version, record: _record, ...snapshot } = FLEET;
    expect(problems).toEqual([]);
    expect(fleet.snapshot).toEqual(snapshot);
    expect(fleet.evidence).toBe("the fleet is as the status branch at eeeeeeeeeeee knew it");
    expect(fleet.fate.split("; ")).toEqual([
      "the kill switch stays engaged for mission audit by operator:ann",
      "rollback-1 holds on",
      "the rollout of ua+plain goes on",
      "the removal of 1 waits for its confirmation",
    ]);
    expect(rebuilt({ fleet: { path: PATH, text: fleetText(INITIAL_FLEET) } }).fleet.fate).toBe(
      "nothing is engaged, pinned, tried or held",
    );
  });

  test("has what an older program published of it", () => {
    const engaged = engage(NOTHING_ENGAGED, {
      scope: { type: "fleet" },
      by: "operator:ann",
      reason: "x",
      at: "t",
    });
    const text = JSON.stringify({ kill_switch: switchText(engaged), status_pushes: "[]" });
    const former = { path: ".factory/settings.json", text };
    expect(rebuilt({ formerSettings: former }).fleet.snapshot).toMatchObject({ killSwitch: engaged });
    const both = rebuilt({ fleet: { path: PATH, text: fleetText(FLEET) }, formerSettings: former });
    expect(both.fleet.snapshot?.killSwitch).toEqual(FLEET.killSwitch);
  });

  test("begins anew where nothing was published of it", () => {
    expect(rebuilt({}).fleet).toMatchObject({ snapshot: null, fate: "nothing is known of it" });
    const other = { path: ".factory/settings.json", text: '{"status_pushes":"[]"}' };
    expect(rebuilt({ formerSettings: other }).fleet.snapshot).toBeNull();
  });

  test.each([
    [{ fleet: { path: PATH, text: "{" } }, PATH],
    [{ formerSettings: { path: ".factory/settings.json", text: "[]" } }, ".factory/settings.json"],
    [
      { formerSettings: { path: ".factory/settings.json", text: '{"rollback":1}' } },
      ".factory/settings.json",
    ],
    [
      { formerSettings: { path: ".factory/settings.json", text: '{"rollback":"{"}' } },
      ".factory/settings.json",
    ],
  ])("is not made of %j", (files, named) => {
    const { problems } = rebuilt(files);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(named);
  });
});
