import { beforeEach, describe, expect, test } from "vitest";
import { ABOUT } from "../../../src/about.ts";
import { HOUR_MS } from "../../../src/core/model/time.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { createController } from "../../../src/reconciler/controller.ts";
import { openRecorder, recordEvents } from "../../../src/reconciler/record/recorder.ts";
import { createFakeDrills } from "../../support/fake/drills.ts";
import {
  createFakeInCoreLane,
  createFakeProposals,
  createFakeSource,
  createFakeStatusBranch,
  type FakeInCoreLane,
  type FakeProposals,
  type FakeSource,
} from "../../support/fake/index.ts";
import { createFakeKillSwitchFile } from "../../support/fake/kill-switch.ts";
import { createFakeTraces } from "../../support/fake/traces.ts";
import { aClone, aMission, T0 } from "../../support/fleet.ts";
import { createMemoryStore } from "../../support/memory-store/store.ts";
import { lookAt } from "../../support/operator.ts";
import { rightToAct } from "../../support/right.ts";

const signal = new AbortController().signal;
let now = T0;
const clock = {
  now: () => now,
  monotonic: () => now,
  sleep: () => new Promise<void>((resolve) => setImmediate(resolve)),
};
let store: ReturnType<typeof createMemoryStore>;
let source: FakeSource;
let proposals: FakeProposals;
let lane: FakeInCoreLane;

function fleetYaml(spec: string): string {
  return `apiVersion: factory/v1\nkind: Fleet\nmetadata: {name: test}\nspec:\n  guardrails: {closed_missions_window: 4} # few\n${spec}`;
}
const FILES = {
  "overlays/ua/baseline.yaml":
    "apiVersion: factory/v1\nkind: Baseline\nmetadata: {name: ua}\nspec: {version: 1.0.0}\n",
  "overlays/ua/files/AGENTS.md": "# UA\n",
  "clones/factory_next_20261123.yaml":
    "apiVersion: factory/v1\nkind: Clone\nmetadata: {name: factory_next_20261123}\nspec:\n  baseline: ua@1.0.0\n  runtime: {driver: process}\n  agent: {adapter: command, command: [node, agent.js]}\n",
  "missions/next.yaml":
    "apiVersion: factory/v1\nkind: Mission\nmetadata: {name: next}\nspec:\n  mission_type: custom\n  objective: go on\n  clone: factory_next_20261123\n  success_criteria: [{id: ok, text: ok, check: {run: ['true']}}]\n  budget: {max_runtime_minutes: 5}\n",
};
const LANE = "  simone: {in_core: {url: 'https://simone.example.com/missions'}}\n";

/** Four missions that ended badly, as a controller before this one recorded them. */
async function failures(): Promise<void> {
  const recorder = await openRecorder({ store, clock, log: silentLog, right: rightToAct() });
  for (let n = 0; n < 4; n++) {
    const name = `old${n}`;
    await recordEvents(
      recorder,
      name,
      { type: "clone.declared", spec: aClone(name, { state: "retired" }) },
      { type: "mission.assigned", mission: aMission(`m${n}`, name) },
      { type: "window.ended", evidence: "the window is over" },
    );
  }
}

async function controller() {
  const made = await createController({
    program: ABOUT,
    store,
    lease: store.lease,
    holder: "test",
    source,
    statusBranch: createFakeStatusBranch(),
    drivers: new Map(),
    secrets: { resolve: async () => ({ values: new Map(), missing: [] }) },
    inCore: lane,
    proposals,
    killSwitch: createFakeKillSwitchFile(),
    drills: createFakeDrills(),
    traces: createFakeTraces(),
    judge: { judge: () => Promise.reject(new Error("nothing to judge")), readKept: async () => null },
    notifiers: () => ({ deliver: async () => ({ type: "delivered" }) }),
    clock,
    log: silentLog,
    installation: "test",
    repository: "test",
    key: new Uint8Array(32),
    operatorToken: "operator",
  });
  made.listenAt({ socket: "unix:/run/a.sock", network: "https://127.0.0.1:2/v1/events" });
  made.resume();
  const round = async () => {
    await made.poll(signal);
    await made.reconcile(signal);
    await made.supervise(() => 0);
    await made.settled();
  };
  return { ...made, round, guardrails: () => lookAt(made.controlPlane).guardrails() };
}

beforeEach(() => {
  now = T0;
  store = createMemoryStore();
  source = createFakeSource();
  proposals = createFakeProposals();
  lane = createFakeInCoreLane();
});

describe("a fleet whose missions fail", () => {
  test("is rolled back once that has lasted, proposes it, and comes back by review only", async () => {
    source.commit({
      ...FILES,
      "fleet.yaml": fleetYaml("  mode: normal\n  caps: {max_parallel_missions: 1}\n"),
    });
    await failures();
    let plane = await controller();
    await plane.round();
    expect(plane.guardrails()).toMatchObject({
      mode: "normal",
      measures: { missions: 4, successPercent: 0 },
    });
    expect(proposals.proposed).toEqual([]);

    now += HOUR_MS;
    await plane.round();
    await plane.round();
    const { pin } = plane.guardrails();
    expect(plane.guardrails().mode).toBe("in_core_only");
    expect(proposals.proposed.map(({ id }) => id)).toEqual([pin?.id]);
    expect(proposals.proposed[0]?.files.get("fleet.yaml")).toBe(
      fleetYaml("  mode: in_core_only\n  caps: {max_parallel_missions: 1}\n"),
    );
    expect(
      lookAt(plane.controlPlane)
        .inbox()
        .map(({ kind }) => kind),
    ).toContain("guardrail");
    await plane.close();

    // Whoever comes after keeps to it, also while the repository cannot be read.
    source = source.restart();
    source.fail("Unreachable");
    plane = await controller();
    await plane.round();
    expect(lookAt(plane.controlPlane).fleet().mode).toBe("in_core_only");
    source.fail(null);

    // The proposal is merged, and later taken back after review.
    source.commit({ "fleet.yaml": proposals.proposed[0]?.files.get("fleet.yaml") ?? "" });
    await plane.round();
    expect(plane.guardrails()).toMatchObject({ mode: "in_core_only", pin: { merged: true } });
    source.commit({ "fleet.yaml": fleetYaml("  mode: normal\n") });
    await plane.round();
    expect(plane.guardrails()).toMatchObject({ mode: "normal", pin: null, measures: { missions: 0 } });
    expect(plane.guardrails().turns.map(({ type }) => type)).toEqual(["tripped", "merged", "lifted"]);
    await plane.close();
  });

  test("hands what never reached a clone to the in-core lane, once", async () => {
    source.commit({ ...FILES, "fleet.yaml": fleetYaml(`  mode: in_core_only\n${LANE}`) });
    const plane = await controller();
    await plane.round();
    await plane.round();
    expect([...lane.taken.values()].map(({ url, envelope }) => [url, envelope.objective])).toEqual([
      ["https://simone.example.com/missions", "go on"],
    ]);
    expect(lookAt(plane.controlPlane).mission("next")).toMatchObject({
      phase: "Cancelled",
      outcome: "ignored",
    });
    source.commit({ "fleet.yaml": fleetYaml("  mode: normal\n") });
    await plane.round();
    expect(lookAt(plane.controlPlane).clone("factory_next_20261123")?.mission).toBeNull();
    await plane.close();
  });

  test("without a lane parks it and says what to do", async () => {
    source.commit({ ...FILES, "fleet.yaml": fleetYaml("  mode: in_core_only\n") });
    const plane = await controller();
    await plane.round();
    const why = lookAt(plane.controlPlane).why("next");
    expect(why).toMatchObject({ runs: false });
    expect(JSON.stringify(why)).toContain("spec.simone.in_core");
    await plane.close();
  });
});
