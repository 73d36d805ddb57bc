/** What every forge does with pull requests of our own and with labels: once, whatever was lost on the way. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { LabelsWanted, PullWanted } from "../../src/ports/forge.ts";
import { BOT } from "../support/forge/stand-in.ts";
import type { ForgeContract, ForgeUnderTest } from "./forge.ts";

const never = new AbortController().signal;
const BRANCH = "factory/closure/audit-1";
const AT = "/repos/acme/fleet";

export function forgeOwnContract(contract: ForgeContract): void {
  describe(`forge contract, what is our own: ${contract.name}`, () => {
    let world: ForgeUnderTest;
    beforeEach(async () => {
      world = await contract.newForge();
      await world.standIn.push("main", { "fleet.yaml": "a" });
      await world.standIn.push(BRANCH, { "fleet.yaml": "b" }, { parent: await world.origin.head() });
    });
    afterEach(() => world.dispose());

    const wanted = (change: Partial<PullWanted> = {}): PullWanted => ({
      branch: BRANCH,
      base: "main",
      marker: "closure",
      key: "one",
      title: "Retire audit",
      body: "It was **accepted**.",
      ...change,
    });
    const labels = (...names: readonly string[]): LabelsWanted => ({
      on: 1,
      prefix: "factory:",
      labels: names.map((name) => ({ name, color: "0e8a16", description: "as the plan says" })),
    });
    interface Found {
      readonly number: number;
      readonly state: string;
      readonly title: string;
      readonly body: string;
      readonly user: { readonly login: string };
    }
    const all = () => world.standIn.ask<readonly Found[]>("acme", "GET", `${AT}/pulls?state=all`);

    test("a pull request is opened once, found by its branch, and put right while it is open", async () => {
      expect(await world.forge.ownPull(BRANCH, never)).toBeNull();
      const made = await world.forge.ensurePull(wanted(), never);
      expect(made).toMatchObject({ did: "created", pull: { state: "open", mergedBy: null } });
      expect(await world.reopen().ensurePull(wanted(), never)).toMatchObject({ did: "unchanged" });
      const changed = wanted({ key: "two", body: "It was **rejected**.", title: "Keep audit" });
      expect(await world.forge.ensurePull(changed, never)).toMatchObject({
        did: "updated",
        pull: { number: made.pull.number },
      });
      expect(await all()).toMatchObject([
        { title: "Keep audit", body: expect.stringContaining("**rejected**"), user: { login: BOT } },
      ]);
    });

    test("one that a person has edited is put right; one that somebody closed is left alone for good", async () => {
      const { pull } = await world.forge.ensurePull(wanted(), never);
      await world.standIn.ask("acme", "PATCH", `${AT}/pulls/${pull.number}`, { body: "Free!" });
      expect(await world.forge.ensurePull(wanted(), never)).toMatchObject({ did: "updated" });
      await world.standIn.ask("acme", "PATCH", `${AT}/pulls/${pull.number}`, { state: "closed" });
      const other = wanted({ key: "three" });
      expect(await world.forge.ensurePull(other, never)).toMatchObject({
        did: "unchanged",
        pull: { state: "closed", mergedBy: null },
      });
      expect(await all()).toHaveLength(1);
    });

    test("who merged it is told", async () => {
      const { pull } = await world.forge.ensurePull(wanted(), never);
      const commit = await world.standIn.merge("ben", pull.number, "squash");
      expect(await world.forge.ownPull(BRANCH, never)).toMatchObject({
        state: "merged",
        mergedBy: "ben",
        mergeCommit: commit,
      });
      expect(await world.forge.closePull(BRANCH, never)).toMatchObject({ state: "merged" });
    });

    test("somebody else's from the same branch is none of ours", async () => {
      await world.standIn.openPull("ann", BRANCH);
      expect(await world.forge.ownPull(BRANCH, never)).toBeNull();
      expect(await world.forge.closePull(BRANCH, never)).toBeNull();
      expect(await all()).toMatchObject([{ state: "open" }]);
    });

    test("is closed once", async () => {
      await world.forge.ensurePull(wanted(), never);
      expect(await world.forge.closePull(BRANCH, never)).toMatchObject({ state: "closed" });
      world.standIn.forget();
      expect(await world.forge.closePull(BRANCH, never)).toMatchObject({ state: "closed" });
      expect(world.standIn.requests.filter(({ method }) => method !== "GET")).toEqual([]);
    });

    test("an answer that is lost opens no second one", async () => {
      world.standIn.setFault(({ method, path }) =>
        method === "POST" && path.endsWith("/pulls") ? { type: "lose-answer" } : null,
      );
      await expect(world.forge.ensurePull(wanted(), never)).rejects.toMatchObject({
        code: "forge/unreachable",
      });
      world.standIn.setFault(null);
      expect(await world.reopen().ensurePull(wanted(), never)).toMatchObject({ did: "unchanged" });
      expect(await all()).toHaveLength(1);
    });

    test("the merge queue of a branch is its branches, and nothing that only looks like one", async () => {
      expect(await world.forge.queued("main", never)).toEqual([]);
      const base = (await world.origin.head()) ?? "";
      const { pull } = await world.forge.ensurePull(wanted(), never);
      const commit = await world.standIn.enqueue(pull.number, base);
      await world.origin.git("update-ref", "refs/heads/gh-readonly-queue/main/pr-x", base);
      await world.origin.git("update-ref", `refs/heads/gh-readonly-queue/other/pr-1-${base}`, base);
      expect(await world.forge.queued("main", never)).toEqual([
        {
          number: pull.number,
          commit,
          ref: `refs/heads/gh-readonly-queue/main/pr-${pull.number}-${base}`,
          base,
        },
      ]);
      world.standIn.setFault(() => ({ type: "status", status: 403 }));
      expect(await world.reopen().queued("main", never)).toEqual([]);
    });

    test("a check that waits is not finished, is written once, and ends when it is told", async () => {
      const head = (await world.origin.head(BRANCH)) ?? "";
      const waits = {
        commit: head,
        name: "factory",
        conclusion: "pending" as const,
        title: "waits for #5",
        summary: "It waits.",
        annotations: [],
      };
      await world.forge.ensureCheck(waits, never);
      expect(await world.standIn.checks(head)).toMatchObject([{ status: "in_progress" }]);
      expect(await world.reopen().ensureCheck(waits, never)).toMatchObject({ did: "unchanged" });
      await world.forge.ensureCheck({ ...waits, conclusion: "success", title: "fine" }, never);
      await world.forge.ensureCheck(waits, never);
      const newest = [...(await world.standIn.checks(head))].sort((a, b) => b.id - a.id);
      expect(newest.map(({ status }) => status)).toEqual(["in_progress", "completed"]);
    });

    test("labels of ours are as wanted, and those of people stay", async () => {
      const { pull } = await world.forge.ensurePull(wanted(), never);
      await world.standIn.ask("ann", "POST", `${AT}/issues/${pull.number}/labels`, { labels: ["urgent"] });
      const on = { on: pull.number };
      const first = { ...labels("factory:starts", "factory:loosens"), ...on };
      expect(await world.forge.ensureLabels(first, never)).toEqual({ did: "created" });
      world.standIn.forget();
      expect(await world.reopen().ensureLabels(first, never)).toEqual({ did: "unchanged" });
      expect(world.standIn.requests.filter(({ method }) => method !== "GET")).toEqual([]);
      const second = { ...labels("factory:stops"), ...on };
      expect(await world.forge.ensureLabels(second, never)).toEqual({ did: "updated" });
      const path = `${AT}/issues/${pull.number}/labels`;
      const there = await world.standIn.ask<readonly { readonly name: string }[]>("acme", "GET", path);
      expect(there.map(({ name }) => name).sort()).toEqual(["factory:stops", "urgent"]);
    });
  });
}
