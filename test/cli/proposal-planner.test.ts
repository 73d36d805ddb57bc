import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { createProposalPlanner, type ProposalPlanner } from "../../src/cli/plan/proposal-planner.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { createOrigin, createScratch, type Origin, type Scratch } from "../support/git.ts";

const never = new AbortController().signal;

describe("plans of proposals", () => {
  let scratch: Scratch;
  let origin: Origin;
  let planner: ProposalPlanner;
  beforeEach(async () => {
    scratch = await createScratch("planner");
    origin = await createOrigin({ directory: scratch.path });
    planner = createProposalPlanner({ clock: systemClock() });
  });
  afterEach(async () => {
    await planner.close();
    await scratch.remove();
  });

  async function twoCommits() {
    const base = await origin.commit(fleetFiles());
    const merged = await origin.commit(pairFiles("audit", { command: ["true"] }));
    return {
      directory: origin.path,
      base,
      merged,
      head: merged,
      repository: "r",
      lived: { closed: [], running: [], retired: [] },
      now: 1_767_225_600_000,
    };
  }

  test("say what would start, with the hash of the plan and every problem, one after the other", async () => {
    const warnings: string[] = [];
    const warned = (warning: Error): void => void warnings.push(warning.message);
    process.on("warning", warned);
    const proposal = await twoCommits();
    const plans = await Promise.all(Array.from({ length: 12 }, () => planner.plan(proposal, never)));
    process.off("warning", warned);
    expect(new Set(plans.map(({ planHash }) => planHash)).size).toBe(1);
    expect(plans[0]).toMatchObject({ verdict: expect.stringMatching(/; no problems$/), issues: [] });
    expect(plans[0]?.markdown).toContain(cloneName("audit"));
    expect(warnings).toEqual([]);
  });

  test("that nobody can make say why, and the next one is made", async () => {
    const proposal = await twoCommits();
    await expect(planner.plan({ ...proposal, merged: "0".repeat(40) }, never)).rejects.toMatchObject({
      code: "preview/failed",
      disposition: "stall",
    });
    expect(await planner.plan(proposal, never)).toMatchObject({ type: "planned" });
  });

  test("that take too long are ended with their thread", async () => {
    const proposal = await twoCommits();
    const hasty = createProposalPlanner({ clock: systemClock(), planMsMax: 1 });
    await expect(hasty.plan(proposal, never)).rejects.toMatchObject({ code: "preview/too-costly" });
    await hasty.close();
  });

  test("that are called off end", async () => {
    const proposal = await twoCommits();
    const calling = new AbortController();
    const planned = planner.plan(proposal, calling.signal);
    calling.abort(new Error("enough"));
    await expect(planned).rejects.toThrow("enough");
    expect(await planner.plan(proposal, never)).toMatchObject({ type: "planned" });
  });
});
