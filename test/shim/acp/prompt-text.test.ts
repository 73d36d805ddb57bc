import { expect, it } from "vitest";
import { missionPrompt } from "../../../src/shim/agents/acp/prompt-text.ts";
import { envelope } from "../../contract/driver.ts";

const MISSION = {
  ...envelope("m-a"),
  objective: "List every package.\n",
  constraints: {
    allowed_tools: ["read", "shell"],
    forbidden_tools: ["network"],
    approval_required: ["external_messaging"],
  },
  success_criteria: [{ id: "complete", text: "every package is listed" }],
  artifact_policy: {
    required_outputs: [{ path: "reports/a.json", schema: "schemas/a.schema.json" }, { path: "reports/a.md" }],
    storage_scope: "factory" as const,
  },
};

it("an agent is told its whole mission", () => {
  expect(missionPrompt(MISSION, "new")).toMatchInlineSnapshot(`
    "# Objective
    List every package.

    # Done means
    - every package is listed

    # Outputs
    - reports/a.json (JSON, as schemas/a.schema.json says)
    - reports/a.md

    # Rules
    - Tools that you may use: read, shell. No others.
    - Tools that you must not use: network.
    - These wait for a person's approval: external_messaging. A tool among them asks by itself when you use it; claim every other action with \`claim_action\` first.

    # How to report
    - Work in this folder. Nobody answers while you work: do not ask whether to go on.
    - The MCP server \`factory\` has tools for you: \`submit_artifact\` names a file as a result; \`claim_action\` and \`complete_action\` go around everything that others can see and that must not happen twice; \`request_approval\` asks a person; \`report_blocked\` says that you cannot go on, and what you need.
    - Blocked: call \`report_blocked\`, finish what does not depend on it, and end your turn. You are told when a person has answered.
    - Done: end your turn with one sentence on what came of it. To end your turn without \`report_blocked\` says that the mission is done, and it is judged then."
  `);
});

it("one that begins again is told that somebody was there, and one that goes on only that it does", () => {
  expect(missionPrompt(MISSION, "begun").split("\n\n")[0]).toMatchInlineSnapshot(
    `"An earlier agent began this mission in this workspace and was interrupted. Look at what is there, and go on from it."`,
  );
  expect(missionPrompt(MISSION, "resumed")).toMatchInlineSnapshot(
    `"You were interrupted in the middle of your mission and go on with it now. What was under way may be half done: look before you repeat it. End your turn when the mission is done."`,
  );
});

it("what the contract does not say is not told", () => {
  expect(missionPrompt(envelope("m-b"), "new")).not.toMatch(/# (Rules|Outputs|Done means)/);
});
