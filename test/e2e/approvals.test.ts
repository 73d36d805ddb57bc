import { expect, test } from "vitest";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../support/fleet-files.ts";
import { BOT, openStandIn } from "../support/forge/stand-in.ts";
import { createWorld, eventually } from "./world.ts";

test("a merge without approval waits and says for whom; the author cannot help, somebody else can", async () => {
  const world = await createWorld("approvals");
  const standIn = await openStandIn({ origin: world.origin });
  try {
    const forge = {
      type: "github",
      api: standIn.url,
      repository: "acme/fleet",
      auth: { token: { from: { env: "FORGE_TOKEN" } } },
    };
    await world.origin.commit({
      ...fleetFiles({ forge, approvals: { mode: "forge" } }),
      ...cloneFile(cloneName("audit"), { command: ["sleep", "600"] }),
      ...cloneFile(cloneName("pushed"), { command: ["sleep", "600"] }),
    });
    const controller = await world.start({
      env: { FORGE_TOKEN: standIn.tokenOf(BOT) },
      args: ["--port", "0"],
      poll: "500ms",
    });
    const complaint = (): string => controller.log().slice(-3_000);
    const held = (mission: string, text: string) =>
      eventually(
        () => controller.client.call("fleet"),
        (fleet) =>
          fleet.held.some(
            ({ subject, reason, message }) =>
              subject === `mission/${mission}` && reason === "ApprovalMissing" && message.includes(text),
          ),
        complaint,
      );

    await standIn.push("audit", missionFile("audit", { clone: cloneName("audit") }), {
      parent: await world.origin.head(),
    });
    const number = await standIn.openPull("ann", "audit");
    await standIn.merge("acme", number, "squash");
    await held("audit", `at pull request ${number} 1 approval is missing, from people who may write`);
    const waiting = await controller.client.call("why", { name: "audit" });
    expect(waiting).toMatchObject({ runs: false });
    expect(waiting?.headline).toContain("1 approval is missing");

    await standIn.review("ann", number, "APPROVE");
    await held("audit", "ann has approved, but is the author");

    await standIn.review("ben", number, "APPROVE");
    await eventually(
      () => controller.client.call("fleet"),
      ({ missions }) => missions.some(({ name, phase }) => name === "audit" && phase === "Running"),
      complaint,
    );
    const why = await controller.client.call("why", { name: "audit" });
    expect(why?.steps.find(({ name }) => name === "ContractApproved")).toMatchObject({
      ok: true,
      reason: "Approved",
      evidence: expect.stringContaining(`approved by ben at pull request ${number}, head `),
    });

    await world.origin.commit(missionFile("pushed", { clone: cloneName("pushed") }));
    await held("pushed", "brought it without a pull request");
    expect((await controller.client.call("fleet")).clones).toContainEqual(
      expect.objectContaining({ name: cloneName("pushed"), epoch: 0 }),
    );
  } finally {
    await world.close();
    await standIn.close();
  }
}, 120_000);
