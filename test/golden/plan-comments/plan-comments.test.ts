/**
 * What `factory plan --markdown` says of eight changes of a fleet of thirty clones, from real commits through the real
 * command; and the numbers in it, worked out again from the YAML files alone.
 * `UPDATE_GOLDEN=1 npx vitest run test/golden/plan-comments` writes the pages anew; then read them as a person would.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readCommitTree } from "../../../src/cli/tree/commit-tree.ts";
import { readStatusTree } from "../../../src/cli/tree/status-tree.ts";
import type { DesiredState } from "../../../src/core/model/desired.ts";
import { desiredOf } from "../../../src/reconciler/reviews/fleet-tree.ts";
import { type PlanOfChange, planOfChange } from "../../../src/reconciler/reviews/plan-of-change.ts";
import { livedOfStatus } from "../../../src/reconciler/reviews/status-world.ts";
import { factory } from "../../cli/support.ts";
import { Life, T0 } from "../../support/fleet.ts";
import { createOrigin, createScratch, type Files, type Origin, type Scratch } from "../../support/git.ts";
import { statusBranchFiles } from "../../support/status-branch.ts";
import { CHANGES, cloneOf, harbour } from "./harbour.ts";

const REPOSITORY = "harbour";
/** The page of a raised run where the status branch knows that the run before is over. */
const CLOSED = "raised-run-of-a-closed-mission";
const PAGES = [...Object.keys(CHANGES), CLOSED];

let scratch: Scratch;
let origin: Origin;
/** The same commits, and a status branch beside them. */
let known: Origin;
const commits = new Map<string, string>();

beforeAll(async () => {
  scratch = await createScratch("factory-plan-comments");
  origin = await createOrigin({ directory: scratch.path });
  known = await createOrigin({ directory: scratch.path, name: "known" });
  for (const one of [origin, known]) {
    const base = await one.commit(harbour());
    commits.set("base", base);
    for (const [name, files] of Object.entries(CHANGES))
      commits.set(name, await one.commit(files, { branch: name, parent: base }));
  }
  const desired = await desiredOf(await readCommitTree(known.path, commitOf("base")), REPOSITORY);
  const files = statusBranchFiles([closedLane(desired, "research-03")], { repository: REPOSITORY });
  await known.commit(files, { branch: "factory/status", parent: null });
});
afterAll(() => scratch.remove());

function commitOf(name: string): string {
  return commits.get(name === CLOSED ? "raised-run" : name) ?? "";
}

/** Its mission was done, judged and closed. */
function closedLane({ clones, missions }: DesiredState, name: string) {
  const [spec, mission] = [clones.get(cloneOf(name)), missions.get(name)];
  if (spec === undefined || mission === undefined) throw new Error(`no ${name}`);
  const life = new Life(spec.name)
    .on({ type: "clone.declared", spec })
    .on({ type: "mission.assigned", mission })
    .planned()
    .prepared()
    .launched()
    .ready()
    .dispatched()
    .reports("mission.accepted")
    .reports("mission.completed")
    .dead()
    .judged();
  expect(life.state).toMatchObject({ mission: null, past: [{ missionId: mission.missionId }] });
  return life.state;
}

const made = new Map<string, Promise<PlanOfChange>>();
const explained = (name: string): Promise<PlanOfChange> => {
  const known = made.get(name) ?? explain(name);
  made.set(name, known);
  return known;
};

async function explain(name: string): Promise<PlanOfChange> {
  const { path } = name === CLOSED ? known : origin;
  return planOfChange({
    base: await readCommitTree(path, commitOf("base")),
    head: await readCommitTree(path, commitOf(name)),
    repository: REPOSITORY,
    world: livedOfStatus(await readStatusTree(path, "factory/status"), []).world,
    now: T0,
  });
}

describe.each(PAGES)("%s", (name) => {
  test("reads as it was read", async () => {
    const { path } = name === CLOSED ? known : origin;
    const { code, stdout, stderr } = await factory(
      { cwd: scratch.path },
      ...["--dir", path, "plan", "--base", commitOf("base"), "--head", commitOf(name), "--markdown"],
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const file = join(import.meta.dirname, `${name}.md`);
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(file, stdout);
    expect(stdout).toBe(readFileSync(file, "utf8"));
    expect((await explained(name)).markdown).toBe(stdout);
  });

  test("its numbers are those of the files", async () => {
    const { explanation: plan } = await explained(name);
    const counted = count(harbour(), CHANGES[name === CLOSED ? "raised-run" : name] ?? {});
    expect({
      starts: plan.starts.map(({ mission, run }) => `${mission}/${run}`),
      usd: plan.cost.costUsd,
      minutes: plan.cost.runtimeMinutes,
      calls: plan.cost.llmCalls,
      raisedUsd: plan.cost.raisedUsd,
      stops: plan.stops.flatMap(({ mission }) => mission ?? []),
      putAway: plan.stops.filter(({ fate }) => fate === "put_away").map(({ clone }) => clone),
      touched: plan.blast.touched,
      clones: plan.blast.total,
    }).toEqual(counted);
  });
});

/** The same from the files: nothing here knows a plan. */
function count(before: Files, change: Files): object {
  const after = { ...before, ...change };
  // biome-ignore lint/suspicious/noExplicitAny: any document of YAML
  const documents = (files: Files, folder: string): ReadonlyMap<string, any> =>
    new Map(
      Object.entries(files).flatMap(([path, text]) => {
        if (!path.startsWith(`${folder}/`) || typeof text !== "string") return [];
        const document = parse(text);
        return [[document.metadata.name, document.spec]];
      }),
    );
  const [oldMissions, missions] = [documents(before, "missions"), documents(after, "missions")];
  const [oldClones, clones] = [documents(before, "clones"), documents(after, "clones")];
  const started = [...missions].filter(
    ([name, spec]) => (oldMissions.get(name)?.run ?? 1) !== (spec.run ?? 1) || !oldMissions.has(name),
  );
  const removed = [...oldMissions.keys()].filter((name) => !missions.has(name));
  const overlays = Object.keys(change).flatMap((path) => /^overlays\/([^/]+)\//.exec(path)?.[1] ?? []);
  const changedFiles = Object.keys(change);
  const sum = (field: string): number => started.reduce((total, [, spec]) => total + spec.budget[field], 0);
  const startedNames = new Set(started.map(([name]) => name));
  const raised = [...missions].reduce((total, [name, { budget }]) => {
    const old = oldMissions.get(name);
    return old === undefined || startedNames.has(name)
      ? total
      : total + Math.max(0, budget.max_cost_usd - old.budget.max_cost_usd);
  }, 0);
  const touched = new Set([
    ...[...clones]
      .filter(([, spec]) => spec.overlays.some((one: string) => overlays.includes(one)))
      .map(([name]) => name),
    ...[...missions, ...oldMissions]
      .filter(([name]) => changedFiles.includes(`missions/${name}.yaml`))
      .map(([, spec]) => spec.clone),
    ...[...clones, ...oldClones]
      .filter(([name]) => changedFiles.includes(`clones/${name}.yaml`))
      .map(([name]) => name),
  ]);
  return {
    starts: started.map(([name, spec]) => `${name}/${spec.run ?? 1}`).sort(),
    usd: sum("max_cost_usd"),
    minutes: sum("max_runtime_minutes"),
    calls: sum("max_llm_calls"),
    raisedUsd: raised,
    stops: removed.sort(),
    putAway: [...oldClones.keys()].filter((name) => !clones.has(name)).sort(),
    touched: [...touched].sort(),
    clones: new Set([...oldClones.keys(), ...clones.keys()]).size,
  };
}

test("two hundred new clones that may do the same fit a comment, and all of them are counted", async () => {
  const base = await readCommitTree(origin.path, commitOf("base"));
  const head = await readCommitTree(origin.path, commitOf("one-hundred-new"));
  const { markdown, explanation } = await planOfChange({
    base: null,
    head,
    repository: REPOSITORY,
    world: { type: "assumed", why: "nobody asks" },
    now: T0,
    markdownBytesMax: 5_000,
  });
  expect(base.entries.length).toBeGreaterThan(60);
  expect(explanation.starts).toHaveLength(130);
  expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(5_000);
  expect(markdown).toMatch(/_Left out here: .*names/);
});
