/** The tools that a shim offers to its agent, as an MCP client is told of them. Documented in `specs/actions.md`. */

export const TOOL_NAMES = [
  "claim_action",
  "complete_action",
  "request_approval",
  "report_blocked",
  "submit_artifact",
] as const;
export type ToolName = (typeof TOOL_NAMES)[number];

export interface ToolDefinition {
  readonly name: ToolName;
  readonly description: string;
  readonly inputSchema: {
    readonly type: "object";
    readonly properties: Readonly<Record<string, object>>;
    readonly required: readonly string[];
    readonly additionalProperties: false;
  };
}

const text = (description: string): object => ({ type: "string", description });
const any = (description: string): object => ({ description });

const ACTION = {
  action: text(
    "Type of the action, as in the mission's approval_required: external_messaging, repository_write, …",
  ),
  target: text("Whom or what it is for: an address, a branch, a ticket."),
  arguments: any("What makes it this action; equal arguments are the same action. JSON."),
  payload: any("The rest of what will be done, for example a message's text. JSON."),
  idempotency_key: text(
    "A name of your own for this action, unique within the mission; instead of the arguments.",
  ),
  wait_seconds: {
    type: "number",
    minimum: 0,
    maximum: 600,
    description: "How long to wait while the mission is paused or its controller is away. Default 30.",
  },
} as const;

export const TOOLS: readonly ToolDefinition[] = [
  {
    name: "claim_action",
    description:
      "Ask before you do anything that others can see and that must not happen twice: send, publish, push, pay, delete. " +
      "Do it only when `decision` is `go`, then call complete_action with its `key`. " +
      "`replay`: it was done before, use `result`. `verify`: look whether it was done and tell complete_action what you found. " +
      "`approval_required`, `held`, `unavailable`: not now, claim it again later. `denied`, `conflict`, `skip`: do not do it.",
    inputSchema: schema(ACTION, ["action"]),
  },
  {
    name: "complete_action",
    description:
      "Tell what came of a claimed action: `outcome` for what you did yourself, `verified` with `evidence` for what you found when claim_action said `verify`.",
    inputSchema: schema(
      {
        key: text("The key that claim_action answered."),
        outcome: {
          type: "string",
          enum: ["done", "failed"],
          description: "failed: it certainly did not happen.",
        },
        verified: {
          type: "string",
          enum: ["done", "not_done", "unverifiable"],
          description:
            "What a look at the world outside found. unverifiable: you cannot tell; a person will.",
        },
        result: any("The result that a repeated claim is answered with. JSON."),
        evidence: text("What was looked at and what was found; what failed and how."),
        wait_seconds: ACTION.wait_seconds,
      },
      ["key"],
    ),
  },
  {
    name: "request_approval",
    description:
      "Ask a person to allow one exact action before you claim it. The mission is paused until they have decided. " +
      "`decision` is `approved`, `denied` or `approval_required` (asked; not decided yet).",
    inputSchema: schema(ACTION, ["action"]),
  },
  {
    name: "report_blocked",
    description: "Say that you cannot go on, and what you would need.",
    inputSchema: schema({ reason: text("Why."), needs: text("What would help.") }, ["reason"]),
  },
  {
    name: "submit_artifact",
    description: "Name a file inside of the workspace as a result. Answers its size and SHA-256.",
    inputSchema: schema(
      {
        path: text("Relative to the workspace."),
        sha256: text("What it should be, to be compared; lower-case hex."),
      },
      ["path"],
    ),
  },
];

function schema(
  properties: Readonly<Record<string, object>>,
  required: readonly string[],
): ToolDefinition["inputSchema"] {
  return { type: "object", properties, required, additionalProperties: false };
}
