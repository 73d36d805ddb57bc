import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { MISSION_FORM } from "../../src/cli/scaffold/mission-form.ts";
import { type Ended, factory } from "../cli/support.ts";
import { fleetWithMission } from "../shipped/pull-request.ts";
import { OWNER, openStandIn, REPOSITORY, type StandIn } from "../support/forge/stand-in.ts";
import { createOrigin, createScratch, type Origin, type Scratch } from "../support/git.ts";

const AT = `/repos/${OWNER}/${REPOSITORY}`;

let scratch: Scratch;
let origin: Origin;
let standIn: StandIn;

beforeAll(async () => {
  scratch = await createScratch("factory-issue");
  origin = await createOrigin({ directory: scratch.path });
  standIn = await openStandIn({ origin });
  const files = await fleetWithMission(scratch.path);
  const forge = `  forge:
    type: github
    api: ${standIn.url}
    repository: ${OWNER}/${REPOSITORY}
    auth: { token: { from: { env: FORGE_TOKEN } } }
`;
  await origin.commit({ ...files, "fleet.yaml": `${files["fleet.yaml"] ?? ""}${forge}` });
});
afterAll(async () => {
  await standIn?.close();
  await scratch?.remove();
});

const ANSWERS = {
  name: "count-pages",
  type: "research",
  objective: "Count the pages of docs/.",
  criteria: "Every page is counted",
  material: "README.md",
  runtime: "30",
};

function bodyOf(change: Partial<typeof ANSWERS> = {}): string {
  const answers: Readonly<Record<string, string>> = { ...ANSWERS, ...change };
  return Object.values(MISSION_FORM)
    .map(({ id, label }) => `### ${label}\r\n\r\n${answers[id] ?? "_No response_"}\r\n`)
    .join("\r\n");
}

async function openIssue(body: string): Promise<number> {
  const { number } = await standIn.ask<{ number: number }>("eve", "POST", `${AT}/issues`, {
    title: "Mission",
    body,
  });
  return number;
}

function fromIssue(...args: readonly string[]): Promise<Ended> {
  const env = { FORGE_TOKEN: standIn.tokenOf("ann") };
  return factory({ cwd: scratch.path, env }, "new", "mission", "--source", origin.path, ...args);
}

const branchOf = (number: number): string => `factory/propose/issue-${number}`;

test("an issue becomes a branch with one commit by whoever asked, which validates as it is", async () => {
  const number = await openIssue(bodyOf());
  const made = await fromIssue("--from-issue", String(number));
  expect(made).toMatchObject({ code: 0, stderr: "" });
  const pulls = (
    await standIn.ask<{ number: number; body: string; head: { ref: string } }[]>("ann", "GET", `${AT}/pulls`)
  ).filter(({ head }) => head.ref === branchOf(number));
  expect(pulls).toMatchObject([{ body: expect.stringContaining(`Closes #${number}`) }]);
  expect(made.stdout).toContain(`/pull/${pulls[0]?.number}`);
  expect(made.stdout).not.toContain(standIn.tokenOf("ann"));
  const branch = branchOf(number);
  expect(await origin.git("rev-parse", `${branch}^`)).toBe(await origin.head());
  const changed = (await origin.git("diff", "--name-only", "main", branch)).split("\n");
  expect(changed).toEqual([
    expect.stringMatching(/^clones\/factory_count-pages_\d{8}\.yaml$/),
    "missions/count-pages.yaml",
  ]);
  const mission = parse((await origin.files(branch)).get("missions/count-pages.yaml") ?? "");
  expect(mission).toMatchObject({
    metadata: { annotations: { asked_by: "eve", issue: expect.stringContaining(`/issues/${number}`) } },
    spec: { objective: "Count the pages of docs/.\n", budget: { max_runtime_minutes: 30 } },
  });
  expect(await origin.git("log", "-1", "--format=%B", branch)).toMatch(
    new RegExp(`^Ask for mission count-pages\n\nCloses: #${number}\n`),
  );
  // Whom the forge knows by it takes part in the change, and does not approve it.
  expect(await origin.git("log", "-1", "--format=%an %ae", branch)).toMatch(/^eve \d+\+eve@users\.noreply\./);
  const checked = await factory({ cwd: scratch.path }, "validate", "--head", branch, origin.path);
  expect(checked).toMatchObject({ code: 0 });
});

test("a repeat pushes nothing, and an edited issue takes the place of what was proposed", async () => {
  const number = await openIssue(bodyOf({ name: "count-twice" }));
  const first = JSON.parse((await fromIssue("--from-issue", String(number), "--json")).stdout);
  const again = JSON.parse((await fromIssue("--from-issue", String(number), "--json")).stdout);
  expect(again).toEqual(first);
  await standIn.ask("eve", "PATCH", `${AT}/issues/${number}`, {
    body: bodyOf({ name: "count-twice", runtime: "20" }),
  });
  const last = await fromIssue("--from-issue", String(number), "--json");
  expect(last, last.stderr).toMatchObject({ code: 0 });
  const edited = JSON.parse(last.stdout);
  expect(edited.commit).not.toBe(first.commit);
  expect(
    parse((await origin.files(branchOf(number))).get("missions/count-twice.yaml") ?? "").spec.budget,
  ).toEqual({
    max_runtime_minutes: 20,
  });
});

test("answers that cannot be used, and documents that would have errors, are told by their place; nothing is pushed", async () => {
  const unusable = await openIssue(bodyOf({ name: "../fleet", runtime: "soon" }));
  const refused = await fromIssue("--from-issue", String(unusable));
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/Name: "\.\.\/fleet" is no name/);
  expect(refused.stderr).toMatch(/Minutes at most: "soon" is no number/);
  const beyond = await openIssue(bodyOf({ name: "too-long", runtime: "9999" }));
  const capped = await fromIssue("--from-issue", String(beyond));
  expect(capped.code).toBe(1);
  expect(capped.stderr).toMatch(
    /missions\/too-long\.yaml:\d+:\d+ error \w+ spec\.budget\.max_runtime_minutes/,
  );
  const taken = await openIssue(bodyOf({ name: "weekly-links" }));
  expect((await fromIssue("--from-issue", String(taken))).stderr).toMatch(
    /weekly-links\.yaml exists already/,
  );
  for (const number of [unusable, beyond, taken]) expect(await origin.head(branchOf(number))).toBeNull();
});

test("an issue that is closed, not there, or a pull request is none to be taken up", async () => {
  const number = await openIssue(bodyOf({ name: "closed-one" }));
  await standIn.ask("eve", "PATCH", `${AT}/issues/${number}`, { state: "closed" });
  expect(await fromIssue("--from-issue", String(number))).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/is closed/),
  });
  expect((await fromIssue("--from-issue", "4711")).stderr).toMatch(/has no issue 4711/);
  await standIn.push("topic", { "docs/a.md": "a\n" }, { parent: await origin.head() });
  const pull = await standIn.openPull("ann", "topic");
  expect((await fromIssue("--from-issue", String(pull))).stderr).toMatch(/has no issue/);
  expect((await fromIssue("--from-issue", "soon")).code).toBe(2);
});

test("without a forge the text comes from a file, and says of itself who took it", async () => {
  const file = join(scratch.path, "issue.md");
  writeFileSync(file, bodyOf({ name: "from-a-file" }));
  standIn.forget();
  const made = await fromIssue("a-better-name", "--from-issue", "77", "--body-file", file);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  expect(standIn.requests).toEqual([]);
  const mission = parse((await origin.files(branchOf(77))).get("missions/a-better-name.yaml") ?? "");
  expect(mission.metadata.annotations.asked_by).toBe("ada");
  expect(await origin.git("log", "-1", "--format=%an", branchOf(77))).toBe("factory-bot");
  expect((await fromIssue("--body-file", file)).stderr).toMatch(/goes with --from-issue/);
});

test("a credential that may open no pull request leaves that to a person, with the address", async () => {
  const number = await openIssue(bodyOf({ name: "by-hand" }));
  standIn.setFault(({ method, path }) =>
    method === "POST" && path.endsWith("/pulls") ? { type: "status", status: 403 } : null,
  );
  const made = await fromIssue("--from-issue", String(number));
  standIn.setFault(null);
  expect(made, made.stderr).toMatchObject({ code: 0 });
  expect(made.stdout).toContain(`/compare/main...${branchOf(number)}?expand=1`);
});

test("a forge that fails says so, and nothing is pushed", async () => {
  const number = await openIssue(bodyOf({ name: "not-now" }));
  standIn.setFault(() => ({ type: "status", status: 502 }));
  const failed = await fromIssue("--from-issue", String(number));
  standIn.setFault(null);
  expect(failed.code).toBe(1);
  expect(failed.stderr).toMatch(/reading issue \d+: the forge answered 502/);
  expect(await origin.head(branchOf(number))).toBeNull();
});
