/**
 * What must be so after a walk-through, whatever died on the way: asked of the record's own tables, of the forge, of the
 * repository and of the agent's notes, and not of the program that is judged.
 */
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { nothingLost } from "../chaos/nothing-lost.ts";
import { limitsBroken } from "../support/forge/published-limits.ts";
import { BOT, OWNER, REPOSITORY } from "../support/forge/stand-in.ts";
import { BUDGET, CLONE, MISSION } from "../support/walk/fleet.ts";
import type { Walk } from "../support/walk/walk.ts";

const AT = `/repos/${OWNER}/${REPOSITORY}`;

interface Written {
  readonly number: number;
  readonly title: string;
  readonly body: string | null;
  readonly state: string;
  readonly user: { readonly login: string };
  readonly pull_request?: object;
  readonly head?: { readonly ref: string };
}

/** Sentences that say what should not be; none where all is well. Ends the controller. */
export async function judge(walk: Walk): Promise<readonly string[]> {
  await settled(walk);
  const outside = [...(await onForge(walk)), ...(await inRepository(walk)), ...byAgent(walk)];
  const lost = await nothingLost(
    walk.world,
    {
      client: walk.client(),
      log: () => walk.log(),
      stop: () => walk.stop(),
    },
    [MISSION],
  );
  return [...outside, ...(lost === null ? [] : [lost]), ...inRecord(walk), ...byLimits(walk)];
}

/** Nothing is written any more: two looks of the controller at everything, one after the other. */
async function settled(walk: Walk): Promise<void> {
  const lists = (): number => walk.standIn.requests.filter(({ path }) => path.endsWith("/pulls")).length;
  const writes = (): number => walk.standIn.requests.filter(({ method }) => method !== "GET").length;
  for (let [from, written] = [lists(), -1]; written !== writes(); from = lists()) {
    written = writes();
    await walk.until("two more looks at the forge", lists, (now) => now >= from + 2);
  }
}

/** One comment of each kind where it stands, one check for each head, one pull request and one issue for each of their kind. */
async function onForge(walk: Walk): Promise<readonly string[]> {
  const pulls = await walk.standIn.ask<readonly Written[]>(
    OWNER,
    "GET",
    `${AT}/pulls?state=all&per_page=100`,
  );
  const issues = await walk.standIn.ask<readonly Written[]>(
    OWNER,
    "GET",
    `${AT}/issues?state=all&per_page=100`,
  );
  const problems: string[] = [];
  for (const { number } of [...pulls, ...issues.filter((one) => one.pull_request === undefined)]) {
    const ours = (await walk.standIn.comments(number)).filter(({ user }) => user.login === BOT);
    const marks = ours.map(({ body }) => markOf(body) ?? `unmarked: ${body.slice(0, 60)}`);
    problems.push(...doubled(marks).map((mark) => `#${number} has more than one comment ${mark}`));
  }
  const own = (all: readonly Written[]): readonly Written[] => all.filter(({ user }) => user.login === BOT);
  const branches = own(pulls).map(({ head }) => head?.ref ?? "");
  problems.push(...doubled(branches).map((branch) => `more than one pull request from ${branch}`));
  const threads = own(issues.filter((one) => one.pull_request === undefined)).map(
    ({ body, title }) => markOf(body ?? "") ?? title,
  );
  problems.push(...doubled(threads).map((thread) => `more than one issue ${thread}`));
  for (const kind of ["question", "closure"] as const)
    if (!walk.numbers.has(kind)) problems.push(`the ${kind} was never seen`);
  if (own(pulls).some(({ state }) => state === "open")) problems.push("a pull request of ours is still open");
  if (own(issues).some(({ state }) => state === "open")) problems.push("an issue of ours is still open");
  const review = walk.numbers.get("proposal") ?? 0;
  if (!(await walk.standIn.comments(review)).some(({ body }) => markOf(body) === "review"))
    problems.push(`#${review} has no plan`);
  const heads = await walk.origin.git("log", "--format=%H", `refs/pull/${review}/head`, "-2");
  for (const commit of heads.split("\n")) {
    const checks = (await walk.standIn.checks(commit)).filter(({ name }) => name === "factory");
    if (checks.length !== 1 || checks[0]?.status !== "completed")
      problems.push(
        `${commit.slice(0, 12)} has ${JSON.stringify(checks.map(({ status }) => status))} as checks`,
      );
  }
  return problems;
}

/** The status branch is one line of commits by us, and says once what became of it. */
async function inRepository(walk: Walk): Promise<readonly string[]> {
  const merges = await walk.origin.git("rev-list", "--merges", "--count", "factory/status");
  const reports = [...(await walk.origin.files("factory/status")).keys()].filter((path) =>
    path.endsWith("/closure.md"),
  );
  return [
    ...(merges === "0" ? [] : [`the status branch has ${merges} merges`]),
    ...(reports.includes(`missions/${MISSION}/closure.md`) ? [] : [`there is no closure report: ${reports}`]),
  ];
}

/** Paid once, and never beyond what was allowed at the time. */
function byAgent(walk: Walk): readonly string[] {
  const paid = walk.lines("world.txt");
  const notes = walk.lines("log.txt").map((line) => line.split(" "));
  const begun = notes.filter(([, , what]) => what === "begin").map(([, epoch]) => epoch ?? "");
  const spent = notes.flatMap(([, , what, usd]) => (what === "spent" ? [Number(usd)] : []));
  return [
    ...(paid.length === 1 ? [] : [`it paid ${paid.length} times: ${paid.join("; ")}`]),
    ...doubled(begun).map((epoch) => `epoch ${epoch} began more than once`),
    ...(begun.length === 1 ? [] : [`it was begun ${begun.length} times: epochs ${begun.join(", ")}`]),
    ...(Math.max(...spent) <= BUDGET.raisedTo ? [] : [`it spent ${Math.max(...spent)} USD`]),
  ];
}

/** The tables themselves: one dispatch, one raise, one end, and what was spent is what the agent says. */
function inRecord(walk: Walk): readonly string[] {
  const database = new DatabaseSync(join(walk.world.dataDir, "factory.db"), { readOnly: true });
  try {
    const rows = database.prepare("SELECT event FROM events WHERE clone = ? ORDER BY seq").all(CLONE);
    const events = rows.map(({ event }) => JSON.parse(String(event)) as { readonly type: string });
    const once = [
      "mission.assigned",
      "dispatch.finished",
      "request.decided",
      "judge.finished",
      "closure.decided",
      "archive.finished",
    ];
    const open = database.prepare("SELECT count(*) AS open FROM effects").get();
    return [
      ...once.flatMap((type) => {
        const times = events.filter((event) => event.type === type).length;
        return times === 1 ? [] : [`${type} is on record ${times} times`];
      }),
      ...(open?.["open"] === 0 ? [] : [`${open?.["open"]} effects were never settled`]),
    ];
  } finally {
    database.close();
  }
}

/** Between two lives nobody remembers the last second: the pause that GitHub asks for between two writings is not looked at. */
function byLimits(walk: Walk): readonly string[] {
  const arrived = walk.standIn.requests;
  return limitsBroken(arrived).filter((sentence) => !sentence.includes("ms between two"));
}

function markOf(body: string): string | null {
  return /^<!-- factory:(\S+) /m.exec(body)?.[1] ?? null;
}

function doubled(items: readonly string[]): readonly string[] {
  return [...new Set(items.filter((item, index) => items.indexOf(item) !== index))];
}
