import { describe, expect, it } from "vitest";
import { promptText, withPrompt } from "../../../src/shim/agents/prompt.ts";
import { envelope } from "../../contract/driver.ts";

const NEW = { resumes: false } as const;
const mission = envelope("m-a");

describe("a mission in words", () => {
  it("names objective, criteria, outputs and limits", () => {
    const text = promptText(
      {
        ...mission,
        objective: "Mend the sum.",
        success_criteria: [{ id: "adds", text: "it adds" }],
        artifact_policy: {
          ...mission.artifact_policy,
          required_outputs: [{ path: "out/sum.mjs", schema: "s.json" }],
        },
        budget: { max_runtime_minutes: 30, max_llm_calls: 10, max_cost_usd: null },
        constraints: {
          allowed_tools: [],
          forbidden_tools: ["network"],
          approval_required: ["repository_write"],
        },
      },
      NEW,
    );
    for (const part of [
      "Objective:\nMend the sum.",
      "- adds: it adds",
      "- out/sum.mjs, of the schema s.json",
      "at most 30 minutes, 10 calls of a model",
      "forbidden tools: network",
      "claim_action: repository_write",
    ])
      expect(text).toContain(part);
    expect(text).not.toContain("allowed tools");
  });

  it("says what there is of a mission that is no more than an id, as a drill's is", () => {
    const text = promptText({ mission_id: "drill" }, NEW);
    expect(text).toMatch(/^Carry out this mission/);
    expect(text).not.toMatch(/undefined|Objective|Limits/);
  });

  it("says to an agent that takes over that the work is begun", () => {
    expect(promptText(mission, { resumes: true })).toMatch(/^Go on with this mission/);
  });

  it.each(["--dangerous", "-", "/quit", "@../secrets", "!ls", "\0"])(
    "is no option and no command, whatever its objective: %j",
    (objective) => {
      const text = promptText({ ...mission, objective }, NEW);
      expect(text).toMatch(/^Carry out this mission/);
      expect(text).not.toContain("\0");
    },
  );

  it("is no longer than an argument may be, in bytes", () => {
    const success_criteria = Array.from({ length: 100 }, (_, n) => ({
      id: `c${n}`,
      text: "ä€😀".repeat(500),
    }));
    const text = promptText({ ...mission, success_criteria }, NEW);
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(100 * 1024);
    expect(text).toMatch(/The rest is in the file that FACTORY_MISSION names\.\n$/);
  });
});

describe("its place in a command", () => {
  it("is filled in within one argument, and what it says is not looked at again", () => {
    const text = "say {prompt} and $& and `ls`; $(rm -rf /)";
    expect(withPrompt(["agent", "-p", "{prompt}", "--x={prompt}", "rest"], text)).toEqual([
      "agent",
      "-p",
      text,
      `--x=${text}`,
      "rest",
    ]);
  });
});
