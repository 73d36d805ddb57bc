/** What lives, from a status branch in a real repository. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { readStatusTree } from "../../../src/cli/tree/status-tree.ts";
import { INITIAL_FLEET } from "../../../src/core/model/fleet-state.ts";
import { livedOfStatus } from "../../../src/reconciler/reviews/status-world.ts";
import { Life } from "../../support/fleet.ts";
import { createOrigin, createScratch, type Origin, type Scratch } from "../../support/git.ts";
import { statusBranchFiles } from "../../support/status-branch.ts";

let scratch: Scratch;
let origin: Origin;
let count = 0;

beforeAll(async () => {
  scratch = await createScratch("factory-status-world");
});
afterAll(() => scratch.remove());

const lives = [
  new Life("running").running(),
  new Life("closed").running().reports("mission.completed").dead().judged(),
  new Life("idle").declared(),
];
const files = (fleet = INITIAL_FLEET) =>
  statusBranchFiles(
    lives.map(({ state }) => state),
    { repository: "harbour", fleet },
  );

async function there(
  status: Readonly<Record<string, string | null>>,
  branch = "factory/status",
): Promise<string> {
  count += 1;
  origin = await createOrigin({ directory: scratch.path, name: `o${count}` });
  return origin.commit(status, { branch, parent: null });
}
const told = async (branch = "factory/status") => livedOfStatus(await readStatusTree(origin.path, branch));

test("tells of every lane, of what is closed, and of the fleet", async () => {
  const commit = await there(files());
  const { world, repository } = await told();
  expect(repository).toBe("harbour");
  if (world.type !== "recorded") throw new Error(world.type);
  expect(world.commit).toBe(commit);
  expect([...world.states.keys()].sort()).toEqual(["closed", "idle", "running"]);
  expect(world.states.get("running")).toMatchObject({ phase: "Running", mission: { name: "audit" } });
  expect(world.states.get("closed")).toMatchObject({ mission: null, past: [{ name: "audit", run: 1 }] });
  expect(world.fleet?.pendingDeletion).toBeNull();
});

test("is that of the origin where it was fetched, and else the repository's own", async () => {
  const own = await there(files());
  const fetched = await origin.commit({ ...files(), x: "y" }, { branch: "other", parent: null });
  expect((await readStatusTree(origin.path, "factory/status"))?.commit).toBe(own);
  await origin.git("update-ref", "refs/remotes/origin/factory/status", fetched);
  expect((await readStatusTree(origin.path, "factory/status"))?.commit).toBe(fetched);
});

test("is looked up where the fleet writes it", async () => {
  const commit = await there(files(), "elsewhere");
  expect(await told()).toMatchObject({ world: { type: "assumed", why: "There is no status branch here" } });
  expect(await told("elsewhere")).toMatchObject({ world: { type: "recorded", commit } });
});

test.each<[string, Readonly<Record<string, string>>, RegExp]>([
  ["holds no record yet", { "README.md": "# Board" }, /^The status branch at [0-9a-f]{12} holds no record$/],
  [
    "has a lane that cannot be read",
    { ".factory/lanes/moving/running.jsonl": "nonsense\n" },
    /cannot be used/,
  ],
  [
    "has a head that cannot be read",
    { ".factory/journal.json": "{}" },
    /head of the journal .* cannot be read/,
  ],
  ["has a fleet that cannot be read", { ".factory/fleet.json": "[]" }, /cannot be used/],
])("that %s tells nothing, and says so: half of a world would pass for the whole", async (_, change, why) => {
  const whole = Object.keys(change).some((path) => path.startsWith(".factory/")) ? files() : {};
  await there({ ...whole, ...change });
  const { world, repository } = await told();
  expect(repository).toBeNull();
  expect(world).toMatchObject({ type: "assumed", why: expect.stringMatching(why) });
});
