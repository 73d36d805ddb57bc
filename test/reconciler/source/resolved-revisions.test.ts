import { expect, test } from "vitest";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import { createResolvedRevisions } from "../../../src/reconciler/source/resolved-revisions.ts";
import { createFakeSource } from "../../support/fake/source.ts";
import { Life, T0 } from "../../support/fleet.ts";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../../support/fleet-files.ts";

const signal = new AbortController().signal;
const clone = cloneName("audit");

test("what a mission has to deliver is cleared away before its first start, and never after", async () => {
  const source = createFakeSource();
  const files = {
    ...fleetFiles(),
    ...cloneFile(clone, { command: ["true"] }),
    ...missionFile("audit", { clone, outputs: ["reports/out.json"] }),
  };
  source.commit(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, String(text)])));
  const observed = await source.observe(signal);
  if (observed.type === "error") throw new Error(observed.message);
  const revisions = createResolvedRevisions({
    source,
    repository: "test",
    clock: { now: () => T0, sleep: async () => {} },
  });
  const desired = await revisions.take(observed.snapshot, signal);
  const spec = desired.clones.get(clone);
  const mission = desired.missions.get("audit");
  if (spec === undefined || mission === undefined) throw new Error("the fleet has no audit");
  const life = new Life(clone).on({ type: "clone.declared", spec }).on({ type: "mission.assigned", mission });
  const cleared = async (state: CloneState) => (await revisions.materials(state, signal)).cleared;
  expect(await cleared(life.state)).toEqual(["reports/out.json"]);
  life.planned().prepared().launched().ready().dispatched().reports("mission.accepted");
  life.reports("instance.exited", { detail: { code: 7 } }).dead();
  expect(life.state.phase).toBe("BackingOff");
  expect(await cleared(life.state)).toEqual([]);
});
