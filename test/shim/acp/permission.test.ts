import { describe, expect, it } from "vitest";
import { judgeTool, type ToolFacts, type ToolRules } from "../../../src/shim/agents/acp/permission.ts";

const call = (facts: Partial<ToolFacts>): ToolFacts => ({ title: null, kind: null, name: null, ...facts });
const rules = (some: Partial<ToolRules>): ToolRules => ({
  allowed: [],
  forbidden: [],
  approvalRequired: [],
  ...some,
});

describe("a tool call", () => {
  it.each<[string, Partial<ToolFacts>, Partial<ToolRules>, string]>([
    ["is allowed where nothing is said", { kind: "execute" }, {}, "allow"],
    [
      "of no kind is allowed where nothing is said of tools",
      {},
      { approvalRequired: ["external_messaging"] },
      "allow",
    ],
    ["is forbidden by its kind", { kind: "fetch" }, { forbidden: ["fetch"] }, "refuse"],
    ["is forbidden by the word for its kind", { kind: "fetch" }, { forbidden: ["network"] }, "refuse"],
    [
      "is forbidden by its own name",
      { kind: "other", name: "WebSearch" },
      { forbidden: ["websearch"] },
      "refuse",
    ],
    [
      "is forbidden though it is allowed",
      { kind: "read" },
      { allowed: ["read"], forbidden: ["read"] },
      "refuse",
    ],
    [
      "is forbidden though people could allow it",
      { kind: "edit" },
      { forbidden: ["write"], approvalRequired: ["edit"] },
      "refuse",
    ],
    [
      "needs people though it is allowed",
      { kind: "execute" },
      { allowed: ["shell"], approvalRequired: ["shell"] },
      "ask shell",
    ],
    ["is not on the list", { kind: "edit" }, { allowed: ["read", "shell"] }, "refuse"],
    ["is on the list by a word for it", { kind: "search" }, { allowed: ["read"] }, "allow"],
    ["only thinks", { kind: "think" }, { allowed: ["read"] }, "allow"],
    ["of a kind from the future is another one", { kind: "teleport" }, { forbidden: ["other"] }, "refuse"],
    [
      "of no kind may be the forbidden one",
      { title: "curl x" },
      { forbidden: ["network"] },
      "ask unknown_tool",
    ],
    [
      "of no kind may be the one that needs people",
      { title: "x" },
      { approvalRequired: ["execute"] },
      "ask unknown_tool",
    ],
    ["of no kind may be missing in the list", { title: "x" }, { allowed: ["read"] }, "ask unknown_tool"],
    [
      "is a tool of ours",
      { kind: "other", title: "mcp__factory__submit_artifact" },
      { allowed: ["read"] },
      "allow",
    ],
    [
      "is called like a tool of ours and is a shell",
      { kind: "execute", title: "mcp__factory__submit_artifact" },
      { forbidden: ["shell"] },
      "refuse",
    ],
    [
      "only mentions a tool of ours",
      { title: "rm; mcp__factory__submit_artifact" },
      { forbidden: ["shell"] },
      "ask unknown_tool",
    ],
  ])("%s", (_what, facts, some, expected) => {
    const verdict = judgeTool(call(facts), rules(some));
    expect(verdict.type === "ask" ? `ask ${verdict.action}` : verdict.type).toBe(expected);
  });
});
