import { expect, test } from "vitest";
import type { RunningController } from "../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { BOT, openStandIn, type StandIn } from "../support/forge/stand-in.ts";
import { cloneUntil, createWorld, eventually, missionUntil, type World } from "./world.ts";

const CLONE = cloneName("audit");
const FILE = `clones/${CLONE}.yaml`;
const BRANCH = "factory/closure/audit-1";
const AT = "/repos/acme/fleet";

interface Found {
  readonly number: number;
  readonly state: string;
  readonly title: string;
  readonly body: string;
  readonly html_url: string;
  readonly user: { readonly login: string };
}

interface Scene {
  readonly world: World;
  readonly standIn: StandIn;
  readonly controller: RunningController;
  readonly complaint: () => string;
  pulls(): Promise<readonly Found[]>;
}

/** A mission that is closed and accepted, and whose clone waits for a word. */
async function closed(name: string, play: (scene: Scene) => Promise<void>): Promise<void> {
  const world = await createWorld(name);
  const standIn = await openStandIn({ origin: world.origin });
  try {
    const forge = {
      type: "github",
      api: standIn.url,
      repository: "acme/fleet",
      auth: { token: { from: { env: "FORGE_TOKEN" } } },
    };
    await world.origin.commit({
      ...fleetFiles({ forge }),
      ...pairFiles(
        "audit",
        {
          command: ["sh", "-c", "echo found nothing > report.md"],
          agent: { result: "exit_code" },
          afterClosure: "ask",
        },
        { outputs: ["report.md"] },
      ),
    });
    const controller = await world.start({
      env: { FORGE_TOKEN: standIn.tokenOf(BOT) },
      args: ["--port", "0"],
      poll: "500ms",
    });
    const complaint = (): string => controller.log().slice(-3_000);
    await missionUntil(controller, "audit", ({ phase }) => phase === "Completed");
    const pulls = () => standIn.ask<readonly Found[]>("acme", "GET", `${AT}/pulls?state=all`);
    await play({ world, standIn, controller, complaint, pulls });
  } finally {
    await world.close();
    await standIn.close();
  }
}

test("a closure becomes a pull request with verdict and bill; merged, its clone is retired by who merged it", async () => {
  await closed("closure-merged", async ({ world, standIn, controller, complaint, pulls }) => {
    const [pull] = await eventually(pulls, ([first]) => first?.body.includes("/blob/") === true, complaint);
    expect(pull).toMatchObject({
      state: "open",
      title: `Retire ${CLONE}: audit run 1 is accepted`,
      user: { login: BOT },
    });
    const body = pull?.body ?? "";
    for (const part of [
      "every output is valid",
      "### Criteria",
      "report.md",
      "### Bill",
      "60 min",
      "### Scorecard",
    ])
      expect(body).toContain(part);
    // Links lead to what stands on the status branch.
    const [, commit = "", path = ""] =
      /\/blob\/([0-9a-f]{40})\/(missions\/\S+?closure\.md)\)/.exec(body) ?? [];
    expect(await world.origin.git("show", `${commit}:${path}`)).toContain("# Closure: audit");
    // One line of one file, on top of what is obeyed.
    expect(await world.origin.git("diff", "--stat", "main", BRANCH)).toMatch(/1 file changed, 1 insertion/);
    expect((await world.origin.files(BRANCH)).get(FILE)).toContain("state: retired");
    const closureItem = async () =>
      (await controller.client.call("inbox")).items.find(({ kind }) => kind === "closure");
    expect((await closureItem())?.answers[0]).toContain(pull?.html_url);

    await standIn.merge("ben", pull?.number ?? 0, "squash");
    await cloneUntil(controller, CLONE, ({ phase }) => phase === "Retired");
    await eventually(
      () => world.status("missions/audit/closure.md"),
      (report) => report.includes("| Decision | retire, person:ben @ben |"),
      complaint,
    );
    expect(await closureItem()).toBeUndefined();
    expect(await pulls()).toHaveLength(1);
  });
}, 120_000);

test("decided on the command line, it is closed with a word; closed by a person, it is not opened again", async () => {
  await closed("closure-commanded", async ({ standIn, controller, complaint, pulls }) => {
    const [pull] = await eventually(pulls, ({ length }) => length === 1, complaint);
    await controller.client.call("decideClosure", { name: "audit", decision: "standby" });
    await eventually(pulls, ([first]) => first?.state === "closed", complaint);
    const [comment] = (await standIn.comments(pull?.number ?? 0)).filter(({ body }) =>
      body.includes("<!-- factory:closure "),
    );
    expect(comment?.body).toMatch(/It is decided by operator:\S+: standby\./);
    expect(await pulls()).toHaveLength(1);
    await cloneUntil(controller, CLONE, ({ phase }) => phase === "Idle");
  });
}, 120_000);
