import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { clientOf } from "../support/controller.ts";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../support/fleet-files.ts";
import { agentCommand, createWorld, eventually, missionUntil, type World } from "./world.ts";

/** What only people can say, and what becomes of a clone that proved itself. */
let world: World;
beforeAll(async () => {
  world = await createWorld("review");
});
afterAll(() => world.close());

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

test("a reviewer settles the outcome; a second person signs the template off; it is proposed as a change", async () => {
  const clone = cloneName("essay");
  await world.origin.commit({
    ...fleetFiles(),
    "overlays/careful/overlay.yaml":
      "# how we read\napiVersion: factory/v1\nkind: Overlay\nmetadata:\n  name: careful\nspec:\n  base_profile: ua@1.0.0\n",
    ...cloneFile(clone, {
      command: agentCommand("works.js", world.ledgerPath(), 2, 20),
      overlays: ["careful"],
      afterClosure: "ask",
    }),
    ...missionFile("essay", { clone, outputs: ["out/result.json"], reviews: ["readable"] }),
  });
  const controller = await world.start();
  const pending = await missionUntil(controller, "essay", ({ closure }) => closure !== null);
  expect(pending, controller.log()).toMatchObject({ phase: "Completed", outcome: "pending" });

  const factory = async (...args: string[]) => {
    const { stdout } = await promisify(execFile)(process.execPath, [MAIN, ...args], {
      env: { ...process.env, FACTORY_DATA: world.dataDir, FACTORY_ACTOR: "ann", COLUMNS: "80" },
    });
    return stdout;
  };
  expect(await factory("inbox")).toContain("factory review essay --met readable");
  const shown = await factory("review", "essay");
  expect(shown).toMatch(
    /^essay is pending; 1 of its criteria wait for a person\.\n {2}… readable: it is readable\n/,
  );
  expect(shown).toMatch(/\n {2}✔ output-1: .*\n\nOUTPUT .*\nout\/result\.json +\d+ {2}json .* kept\n/);
  expect(shown).toContain("\n  → factory outputs essay --get <dir>\n");
  expect(shown).toMatch(/on the status branch missions\/essay\/closure\.md:\n {2}→ factory closure essay\n/);
  expect(shown).toContain('\n  → factory review essay --met readable --note "why"\n');
  expect(shown).toContain('\n  → factory review essay --unmet readable --note "why"\n');
  expect(Math.max(...shown.split("\n").map((line) => line.length))).toBeLessThanOrEqual(80);
  const asJson = JSON.parse(await factory("review", "essay", "--json"));
  expect(asJson).toMatchObject({ run: 1, pending: 1, report: "missions/essay/closure.md" });
  expect(asJson.criteria).toContainEqual({
    id: "readable",
    text: "it is readable",
    state: "pending",
    by: null,
  });
  expect(asJson.outputs).toMatchObject([{ path: "out/result.json", media_type: "application/json" }]);
  expect(await factory("review", "essay", "--met", "readable", "--note", "clear")).toContain(
    "essay is accepted",
  );
  const settled = await factory("review", "essay");
  expect(settled).toMatch(/^essay is accepted; 0 of its criteria wait/);
  expect(settled).toMatch(/✔ readable: it is readable \(.*ann\)/);
  expect(settled).not.toContain("--met");
  expect(await factory("scorecard", "--since", "1h")).toMatch(/accepted, of those that were judged +100 %/);
  expect(await factory("scorecard", "essay")).toMatch(/criteria_met +2/);
  const closure = await eventually(
    () => world.status("missions/essay/closure.md"),
    (text) => text.includes("ACCEPTED"),
    () => "the review on the status branch",
  );
  expect(closure).toContain("clear");

  const ann = clientOf(world.dataDir, controller.url, "ann");
  const bob = clientOf(world.dataDir, controller.url, "bob");
  expect(await ann.call("decideClosure", { name: "essay", decision: "template" })).toMatchObject({
    ok: true,
  });
  const request = (await ann.call("inbox")).items.find(({ kind }) => kind === "template")?.id ?? "";
  const approve = { id: request, decision: "approve" } as const;
  expect(await ann.call("decide", approve)).toMatchObject({ ok: false });
  expect(await bob.call("decide", approve)).toMatchObject({ ok: true });

  const branch = "factory/propose/template-essay-1";
  await eventually(
    () => world.origin.head(branch),
    (head) => head !== "",
    () => `the proposal\n${controller.log()}`,
  );
  const overlay = (await world.origin.files(branch)).get("overlays/careful/overlay.yaml") ?? "";
  expect(overlay).toContain("# how we read");
  expect(overlay).toMatch(/labels:\n +factory-template: essay/);
  expect((await controller.client.call("mission", { name: "essay" }))?.closure?.decision).toBe("template");
});
