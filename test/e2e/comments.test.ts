import { expect, test } from "vitest";
import { fleetFiles, pairFiles } from "../support/fleet-files.ts";
import { BOT, type Issue, openStandIn } from "../support/forge/stand-in.ts";
import { agentCommand, createWorld, eventually, isAlive, missionUntil, processesOf } from "./world.ts";

/** A question reaches people as an issue, and what they write there is obeyed. */
test("a budget question is an issue; a comment raises it, the mission goes on, another comment kills it", async () => {
  const world = await createWorld("comments");
  const standIn = await openStandIn({ origin: world.origin });
  try {
    const forge = {
      type: "github",
      api: standIn.url,
      repository: "acme/fleet",
      auth: { token: { from: { env: "FORGE_TOKEN" } } },
      roles: { approver: { people: ["Ann"] }, operator: { people: ["ben"] } },
    };
    await world.origin.commit({
      ...fleetFiles({ forge, caps: { max_cost_usd: 50 }, allowGroup: true }),
      ...pairFiles(
        "spends",
        { command: agentCommand("spends.js", world.ledgerPath(), 0.02, 50), isolation: "group" },
        { heartbeatSeconds: 30, maxCostUsd: 1, pausePercent: 50 },
      ),
    });
    const controller = await world.start({
      env: { FORGE_TOKEN: standIn.tokenOf(BOT) },
      poll: "500ms",
      args: ["--containment", "group"],
    });
    const complaint = (): string => controller.log().slice(-3_000);
    const issue = (holds: (issue: Issue) => boolean): Promise<Issue> =>
      eventually(async () => (await standIn.issues())[0] ?? null, holds, complaint);
    const answered = async (comment: number): Promise<string> => {
      const found = await eventually(
        () => standIn.comments(made.number),
        (comments) => comments.some(({ body }) => body.includes(`factory:answer/${comment} `)),
        complaint,
      );
      return found.find(({ body }) => body.includes(`factory:answer/${comment} `))?.body ?? "";
    };
    const made = await issue(({ state }) => state === "open");
    expect(made.user.login).toBe(BOT);
    expect(made.title).toContain("spends, run 1: budget.1");
    expect(made.body).toContain("/raise-budget budget.1 max_cost_usd=2");
    // Comments are told apart from what stood there by the second.
    const second = Math.floor(Date.now() / 1_000);
    await eventually(
      () => Math.floor(Date.now() / 1_000),
      (now) => now > second + 1,
      complaint,
    );

    const refused = await standIn.comment("ben", made.number, "/raise-budget max_cost_usd=3");
    expect(await answered(refused)).toMatch(/not done.*takes the role approver/);
    const raised = await standIn.comment("ann", made.number, "Worth it.\n\n/raise-budget max_cost_usd=3");
    expect(await answered(raised)).toContain("max\\_cost\\_usd: 1 → 3");
    await eventually(
      () => standIn.reactions(raised),
      ([reaction]) => reaction?.content === "+1",
      complaint,
    );
    expect(standIn.reactions(refused)).toEqual([{ content: "confused", login: BOT }]);
    const mission = await missionUntil(controller, "spends", ({ phase }) => phase === "Running");
    expect(mission.budget.raised).toMatchObject([{ from: 1, to: 3 }]);
    expect(mission.budget.raised[0]?.by).toMatch(/^person:ann @ann \(http.*#issuecomment-\d+\)$/);
    const closed = await issue(({ state }) => state === "closed");
    expect(closed.number).toBe(made.number);

    const { agent } = processesOf(world.dataDir, mission.clone, 1);
    expect(isAlive(agent)).toBe(true);
    const killed = await standIn.comment("ben", made.number, "/kill --now --reason it has spent enough");
    expect(await answered(killed)).toContain("spends is being killed");
    await missionUntil(controller, "spends", ({ phase }) => phase === "Cancelled");
    expect(isAlive(agent)).toBe(false);
    const { events } = await controller.client.call("events", { last: 200 });
    expect(events.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({
        type: "kill.requested",
        reason: "it has spent enough",
        by: expect.objectContaining({ login: "ben", via: expect.stringContaining("#issuecomment-") }),
      }),
    );
    expect((await standIn.issues()).length).toBe(1);
  } finally {
    await world.close();
    await standIn.close();
  }
}, 180_000);
