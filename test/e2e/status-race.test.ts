import { afterAll, beforeAll, expect, test } from "vitest";
import { fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { git } from "../support/git.ts";
import { agentCommand, createWorld, eventually, missionUntil, STATUS, type World } from "./world.ts";

/** Two people push to the status branch while the controller writes to it: nobody loses anything. */
let world: World;
beforeAll(async () => {
  world = await createWorld("race");
});
afterAll(() => world.close());

/** They push at least so often, and go on until the controller has pushed into the middle of it this often. */
const PUSHES_EACH = 8;
const PUSHES_EACH_MAX = 400;
const PUSHES_AMIDST = 2;
const PUSH_BUDGET = 4;
const MINUTE_MS = 60_000;

test("nothing is lost, and the controller pushes at most four times a minute", async () => {
  // Everybody else pushes past the server, so what asks there for the refs to push to is the controller. A
  // push that finds somebody else's commit there ends with that question; it counts all the same.
  const pushedAt: number[] = [];
  world.server.setFault(({ method, service }) => {
    if (method === "GET" && service === "git-receive-pack") pushedAt.push(performance.now());
    return null;
  });
  const name = "racing";
  await world.origin.commit({
    ...fleetFiles({ pushesPerMinute: PUSH_BUDGET }),
    ...pairFiles(name, { command: agentCommand("works.js", world.ledgerPath(), 100_000, 100) }),
  });
  const controller = await world.start();
  await missionUntil(controller, name, (mission) => mission.phase === "Running");
  await eventually(
    () => world.status("README.md"),
    () => true,
    () => "a first publication",
  );

  const { length } = pushedAt;
  const enough = (): boolean => pushedAt.length >= length + PUSHES_AMIDST;
  const racing = Promise.all([push("ada", enough), push("bob", enough)]);
  // Each of these is a question to a person, which is published as soon as the budget allows it.
  for (let turn = 0; turn < 3; turn++) {
    await controller.client.call("pause", { name, reason: `turn ${turn}` });
    await controller.client.call("resume", { name, reason: "" });
  }
  await controller.client.call("kill", { name, reason: "enough", now: true });
  const [ada, bob] = await racing;
  await eventually(
    () => world.status(`missions/${name}/status.yaml`),
    (text) => text.includes("phase: Cancelled"),
    () => `the end on the status branch\n${controller.log().slice(-2_000)}`,
    // The pushes amidst the race may have used up the minute's budget.
    MINUTE_MS * 1.5,
  );

  const history = await world.origin.log(STATUS);
  for (const commit of [...ada, ...bob]) expect(history).toContain(commit);
  const files = await world.origin.files(STATUS);
  for (const [who, commits] of [
    ["ada", ada],
    ["bob", bob],
  ] as const) {
    expect(commits.length).toBeLessThan(PUSHES_EACH_MAX);
    for (let note = 1; note <= commits.length; note++)
      expect(files.get(`notes/${who}-${note}.txt`)).toBe(`${who} ${note}\n`);
  }
  expect(files.has(`missions/${name}/closure.md`)).toBe(true);
  const merges = await world.origin.git("rev-list", "--merges", "--count", STATUS);
  expect(merges).toBe("0");

  expect(pushedAt.length).toBeGreaterThan(1);
  for (const [index, at] of pushedAt.entries()) {
    const within = pushedAt.slice(index).filter((other) => other - at < MINUTE_MS);
    expect(within.length).toBeLessThanOrEqual(PUSH_BUDGET);
  }
}, 150_000);

/** Adds notes one after the other, each on top of whatever is there: the tip is compared and swapped. */
async function push(who: string, enough: () => boolean): Promise<string[]> {
  const commits: string[] = [];
  const path = world.origin.path;
  for (let note = 1; note <= PUSHES_EACH || (!enough() && note <= PUSHES_EACH_MAX); note++) {
    const blob = await git(path, ["hash-object", "-w", "--stdin"], { input: `${who} ${note}\n` });
    const env = { GIT_INDEX_FILE: `${world.path}/index-${who}` };
    const pushed = await eventually(
      async () => {
        const tip = await git(path, ["rev-parse", `refs/heads/${STATUS}`]);
        await git(path, ["read-tree", tip], { env });
        await git(path, ["update-index", "--add", "--cacheinfo", `100644,${blob},notes/${who}-${note}.txt`], {
          env,
        });
        const tree = await git(path, ["write-tree"], { env });
        const commit = await git(path, ["commit-tree", tree, "-p", tip, "-m", `Note ${note} of ${who}`]);
        await git(path, ["update-ref", `refs/heads/${STATUS}`, commit, tip]);
        return commit;
      },
      () => true,
      () => `note ${note} of ${who}`,
    );
    commits.push(pushed);
  }
  return commits;
}
