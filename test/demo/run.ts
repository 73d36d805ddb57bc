/** The sample fleet on a forge: proposed, planned, approved, merged, carried out, judged, and put away. */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument } from "yaml";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { startController } from "../../src/cli/demo/controller.ts";
import { DEMO_TIME_MAX_MS, follow, type Watch } from "../../src/cli/demo/follow.ts";
import { git, tryGit } from "../../src/cli/demo/git.ts";
import { readPiece, readResults, STATUS_REF } from "../../src/cli/demo/result.ts";
import { MISSION_BRANCH, makeScratch, type Scratch } from "../../src/cli/demo/scratch.ts";
import { createStage, showEnd } from "../../src/cli/demo/stage.ts";
import { EXIT } from "../../src/cli/exit.ts";
import type { Io } from "../../src/cli/io.ts";
import { BOT, OWNER, REPOSITORY } from "../support/forge/stand-in.ts";
import { type DemoForge, openDemoForge } from "./forge.ts";
import { stateOf, writePages } from "./pages.ts";

export interface DemoOptions {
  readonly io: Io;
  /** Where it leaves everything; a new folder where nothing is said. */
  readonly dir: string | undefined;
  readonly json: boolean;
}

/** Ends with 1 when a mission does not complete. Rejects as `factory demo` does. */
export async function runDemoOnForge({ io, dir, json }: DemoOptions): Promise<number> {
  const clock = systemClock();
  const stage = createStage(io, { json, begunAt: clock.now() });
  const interrupted = new AbortController();
  const interrupt = (): void => interrupted.abort();
  process.once("SIGINT", interrupt);
  process.once("SIGTERM", interrupt);
  const deadline = clock.now() + DEMO_TIME_MAX_MS;
  const opened: { forge?: DemoForge } = {};
  const begin = (): void => stage.say("making a scratch repository with the sample fleet");
  try {
    const scratch = await makeScratch(dir, begin, async (fleet) => {
      opened.forge = await openDemoForge(join(fleet, "..", "origin.git"));
      await putOnForge(fleet, opened.forge);
    });
    const { forge } = opened;
    if (forge === undefined) throw new Error("the fleet was not prepared");
    stage.say(`origin  ${scratch.origin}`);
    stage.say(
      "forge   a stand-in for GitHub, where ann proposes, ben approves, and factory-bot is the controller",
    );
    if (scratch.unheld !== null)
      stage.say(`checks  ${scratch.unheld}; this demo's own checks run all the same`);
    for (const { name, why } of scratch.left) stage.say(`left out: mission ${name}, ${why}`);
    const controller = await startController(scratch, clock, {
      untilClosed: false,
      env: { FORGE_TOKEN: forge.token },
    });
    const signal = interrupted.signal;
    const watch: Watch = { controller, scratch, clock, stage, deadline, signal, ends: false };
    try {
      await play(watch, forge);
    } finally {
      stage.done();
      await controller.abort();
    }
    const folder = await writePages(forge, scratch);
    const missions = await readResults(scratch);
    const pulls = (await forge.pulls()).map(({ number, title, user, ...pull }) => ({
      number,
      title,
      by: user.login,
      state: stateOf(pull),
    }));
    const { origin, data } = scratch;
    if (json) io.json({ origin, status_ref: STATUS_REF, data, missions, pulls, forge: folder });
    else {
      const piece = await readPiece(scratch, missions);
      const more = [`less ${join(folder, "README.md")}   # the pull requests, with plans and closures`];
      showEnd(io, { scratch, missions, piece, more });
    }
    const complete = missions.length > 0 && missions.every(({ phase }) => phase === "Completed");
    return complete && pulls.every(({ state }) => state === "merged") ? EXIT.fine : EXIT.problems;
  } finally {
    await opened.forge?.close();
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
  }
}

/** The fleet as it would stand on a forge: people approve there, and are asked there what becomes of each clone. */
async function putOnForge(fleet: string, { standIn }: DemoForge): Promise<void> {
  await edit(join(fleet, "fleet.yaml"), {
    forge: {
      type: "github",
      api: standIn.url,
      repository: `${OWNER}/${REPOSITORY}`,
      auth: { token: { from: { env: "FORGE_TOKEN" } } },
    },
    approvals: { mode: "forge" },
  });
  for (const file of await readdir(join(fleet, "clones")))
    await edit(join(fleet, "clones", file), { after_closure: "ask" });
}

async function edit(file: string, spec: Readonly<Record<string, unknown>>): Promise<void> {
  const document = parseDocument(await readFile(file, "utf8"));
  for (const [name, value] of Object.entries(spec)) document.setIn(["spec", name], value);
  await writeFile(file, document.toString({ lineWidth: 0 }));
}

async function play(watch: Watch, forge: DemoForge): Promise<void> {
  const { scratch, stage } = watch;
  await follow(watch, (fleet) => fleet.source.revision !== null && fleet.forge?.condition.status === "True");
  await git(scratch.fleet, "push", "--quiet", "origin", MISSION_BRANCH);
  const title = `Ask for ${scratch.missions.join(", ")}`;
  const number = await forge.standIn.openPull("ann", MISSION_BRANCH, title);
  stage.say(`pull request ${number}, by ann: ${title}`);
  const head = (await git(scratch.fleet, "rev-parse", MISSION_BRANCH)).trim();
  await follow(watch, async () => (await forge.plan(number)) !== null);
  const check = await forge.check(head);
  stage.say(`  check     ${check?.passed === true ? "✓" : "✗"} ${check?.title}`);
  for (const line of gist((await forge.plan(number)) ?? "")) stage.say(`  plan      ${line}`);
  stage.say(`  approved  by ben, who is not its author`);
  stage.say(
    `  merged    as ${(await forge.accept(number)).slice(0, 12)}; the controller asks the forge who approved it`,
  );
  await follow(
    watch,
    ({ missions }) => missions.length > 0 && missions.every(({ closure }) => closure !== null),
  );
  await putAway(watch, forge);
}

/** Each closure is a pull request of the controller; what is merged is decided. */
async function putAway(watch: Watch, forge: DemoForge): Promise<void> {
  const { scratch, stage } = watch;
  const done = new Set<number>();
  await follow(watch, async () => {
    for (const pull of await forge.pulls()) {
      if (pull.user.login !== BOT || pull.state !== "open" || done.has(pull.number)) continue;
      // Nobody merges what was not looked at, nor before the evidence to which it leads is published.
      if ((await forge.check(pull.head.sha)) === null || !pull.body?.includes("/blob/")) continue;
      done.add(pull.number);
      stage.say(`pull request ${pull.number}, by factory-bot: ${pull.title}`);
      const commit = await forge.accept(pull.number);
      stage.say(`  approved and merged by ben as ${commit.slice(0, 12)}`);
    }
    return done.size >= scratch.missions.length && (await allDecided(scratch));
  });
  stage.say("decided; the last page of factory/status is written");
}

/** As the repository says it, for everybody. */
async function allDecided({ origin, missions }: Scratch): Promise<boolean> {
  for (const name of missions) {
    const report = await tryGit(origin, "show", `${STATUS_REF}:missions/${name}/closure.md`);
    if (report === null || !/^\| Decision \| (?!undecided)/m.test(report)) return false;
  }
  return true;
}

/** The verdict of a plan, and what it may cost. */
function gist(plan: string): readonly string[] {
  const lines = plan.split("\n").filter((line) => !line.startsWith("<!--") && line.trim() !== "");
  return lines
    .slice(1, 4)
    .map((line) => line.replaceAll(/\*\*|`/g, "").trim())
    .filter((line) => /^(Starts|What starts|✍)/u.test(line));
}
