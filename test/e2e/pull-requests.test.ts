import { expect, test } from "vitest";
import type { ControllerOptions, RunningController } from "../support/controller.ts";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../support/fleet-files.ts";
import { BOT, deliver, openStandIn, type StandIn } from "../support/forge/stand-in.ts";
import { type Files, openOrigin } from "../support/git.ts";
import { createWorld, eventually, type World } from "./world.ts";

const SECRET = "it is signed";

function forgeOf(standIn: StandIn): object {
  return {
    type: "github",
    api: standIn.url,
    repository: "acme/fleet",
    auth: { token: { from: { env: "FORGE_TOKEN" } } },
    webhook_secret: { from: { env: "FORGE_SECRET" } },
  };
}

/** A mission beside a clone that waits for it. */
function proposal(change: (text: string) => string): Files {
  const files = missionFile("audit", { clone: cloneName("audit") });
  const [path = "", text = ""] = Object.entries(files)[0] ?? [];
  return { ...files, [path]: change(String(text)) };
}

interface Scene {
  readonly world: World;
  readonly standIn: StandIn;
  readonly controller: RunningController;
}

async function withForge(
  name: string,
  play: (scene: Scene) => Promise<void>,
  options: Partial<ControllerOptions> = {},
): Promise<void> {
  const world = await createWorld(name);
  const standIn = await openStandIn({ origin: world.origin });
  try {
    await world.origin.commit({
      ...fleetFiles({ forge: forgeOf(standIn) }),
      ...cloneFile(cloneName("audit"), { command: ["sleep", "600"] }),
    });
    const env = { FORGE_TOKEN: standIn.tokenOf(BOT), FORGE_SECRET: SECRET };
    const controller = await world.start({ env, args: ["--port", "0"], ...options });
    await play({ world, standIn, controller });
  } finally {
    await world.close();
    await standIn.close();
  }
}

test("a pull request gets a check at file and line and one comment, which follow its commits", async () => {
  await withForge(
    "pull-requests",
    async ({ world, standIn, controller }) => {
      const complaint = (): string => controller.log().slice(-3_000);
      const faulty = await standIn.push(
        "audit",
        proposal((text) => text.replace("objective:", "objektive:")),
        {
          parent: await world.origin.head(),
        },
      );
      const number = await standIn.openPull("ann", "audit");

      const [check] = await eventually(
        () => standIn.checks(faulty),
        (checks) => checks[0]?.status === "completed",
        complaint,
      );
      expect(check).toMatchObject({ name: "factory", conclusion: "failure" });
      expect(check?.output.title).toMatch(/; 1 error$/);
      const annotations = await standIn.annotations(check?.id ?? 0);
      const lines = String(
        proposal((text) => text.replace("objective:", "objektive:"))["missions/audit.yaml"],
      ).split("\n");
      expect(annotations).toContainEqual(
        expect.objectContaining({
          path: "missions/audit.yaml",
          start_line: lines.findIndex((line) => line.includes("objektive")) + 1,
          annotation_level: "failure",
          message: expect.stringContaining("objektive"),
        }),
      );
      const [first, ...more] = await eventually(
        () => standIn.comments(number),
        (comments) => comments.length > 0,
        complaint,
      );
      expect(more).toEqual([]);
      expect(first?.user.login).toBe(BOT);
      expect(first?.body).toContain("missions/audit.yaml");

      const mended = await standIn.push(
        "audit",
        proposal((text) => text),
      );
      const [fine] = await eventually(
        () => standIn.checks(mended),
        (checks) => checks[0]?.status === "completed",
        complaint,
      );
      expect(fine).toMatchObject({ conclusion: "success", output: { annotations_count: 0 } });
      expect(fine?.output.title).toMatch(/; no problems$/);
      const comments = await eventually(
        () => standIn.comments(number),
        ([comment]) => comment !== undefined && !comment.body.includes("objektive"),
        complaint,
      );
      expect(comments.map(({ id }) => id)).toEqual([first?.id]);

      const labels = await eventually(
        () =>
          standIn.ask<readonly { readonly name: string }[]>(
            "acme",
            "GET",
            `/repos/acme/fleet/issues/${number}/labels`,
          ),
        (found) => !found.some(({ name }) => name === "factory:broken"),
        complaint,
      );
      expect(labels.map(({ name }) => name)).toEqual(["factory:starts"]);

      // Nothing of it was obeyed, and nothing more is written while nothing moves.
      const view = await eventually(
        () => controller.client.call("fleet"),
        ({ forge }) => forge?.pulls[0]?.state === "reviewed",
        complaint,
      );
      expect(view.missions).toEqual([]);
      expect(view.forge?.condition).toMatchObject({ status: "True", reason: "Reached" });
      standIn.forget();
      await eventually(
        () => standIn.requests.filter(({ path }) => path.endsWith("/pulls")).length,
        (polls) => polls >= 2,
        complaint,
      );
      expect(standIn.requests.filter(({ method }) => method !== "GET")).toEqual([]);
    },
    { poll: "500ms" },
  );
}, 120_000);

/** What only a webhook can bring about in the time that the test gives: the list is looked at once an hour. */
test("webhooks wake what they are about: a pull request, and the obeyed branch", async () => {
  await withForge(
    "webhooks",
    async ({ world, standIn, controller }) => {
      const complaint = (): string => controller.log().slice(-3_000);
      const [port] = /:(\d+)#/.exec(controller.network ?? "")?.slice(1) ?? [];
      const url = `https://127.0.0.1:${port}/webhooks/github`;
      const repository = { full_name: "acme/fleet" };
      const send = async (event: string, payload: object, id: string, secret = SECRET): Promise<number> =>
        deliver(url, event, { repository, ...payload }, { secret, id });
      await eventually(
        () => controller.client.call("fleet"),
        ({ forge }) => forge?.condition.status === "True",
        complaint,
      );

      const head = await standIn.push(
        "audit",
        proposal((text) => text),
        { parent: await world.origin.head() },
      );
      const number = await standIn.openPull("ann", "audit");
      expect(await send("pull_request", { pull_request: { number } }, "d-1", "guessed")).toBe(401);
      expect(await send("pull_request", { pull_request: { number } }, "d-1")).toBe(202);
      await eventually(
        () => standIn.checks(head),
        (checks) => checks[0]?.conclusion === "success",
        complaint,
      );
      // Once more the same delivery: nobody looks again.
      standIn.forget();
      expect(await send("pull_request", { pull_request: { number } }, "d-1")).toBe(202);

      // A merge, which the controller hears of by the push alone.
      await openOrigin(world.origin.path).commit(proposal((text) => text));
      expect(await send("push", { ref: "refs/heads/main" }, "d-2")).toBe(202);
      await eventually(
        () => controller.client.call("fleet"),
        ({ missions }) => missions.some(({ name }) => name === "audit"),
        complaint,
      );
      expect(
        standIn.requests.filter(({ path }) => path.endsWith(`/pulls/${number}`)).length,
      ).toBeLessThanOrEqual(1);
    },
    { poll: "1h" },
  );
}, 120_000);

test("two that change the same mission go one after the other, and a merge queue gets its check", async () => {
  await withForge(
    "pull-request-order",
    async ({ world, standIn, controller }) => {
      const complaint = (): string => controller.log().slice(-3_000);
      const base = (await world.origin.head()) ?? "";
      const ended = (commit: string, conclusion: string | null) =>
        eventually(
          () => standIn.checks(commit),
          (checks) => {
            const newest = [...checks].sort((a, b) => b.id - a.id)[0];
            return newest !== undefined && newest.conclusion === conclusion;
          },
          complaint,
        );
      const first = await standIn.push(
        "first",
        proposal((text) => text),
        { parent: base },
      );
      const one = await standIn.openPull("ann", "first");
      await ended(first, "success");
      const second = await standIn.push(
        "second",
        proposal((text) => text.replace("max_runtime_minutes: 60", "max_runtime_minutes: 90")),
        { parent: base },
      );
      const two = await standIn.openPull("ben", "second");
      const [waiting] = await eventually(
        async () => [...(await standIn.checks(second))].sort((a, b) => b.id - a.id),
        ([check]) => check?.status === "in_progress",
        complaint,
      );
      expect(waiting?.output.title).toBe(
        `waits for #${one}, which changes clone/${cloneName("audit")}, mission/audit too`,
      );
      const [comment] = await eventually(
        () => standIn.comments(two),
        ({ length }) => length === 1,
        complaint,
      );
      expect(comment?.body).toContain(`It waits for #${one}`);

      // The queue merges the first on a commit of its own, which needs the check of the same name.
      const queued = await standIn.enqueue(one, base);
      await ended(queued, "success");
      await standIn.ask("ann", "PATCH", `/repos/acme/fleet/pulls/${one}`, { state: "closed" });
      await ended(second, "success");
      const [after] = await eventually(
        () => standIn.comments(two),
        ([found]) => found?.body.includes("It waits for") === false,
        complaint,
      );
      expect(after?.id).toBe(comment?.id);
    },
    { poll: "500ms" },
  );
}, 120_000);
