/** What a shim does for its agent when it is asked: one implementation behind the lines, the socket and MCP. */
import { canonicalJson } from "../../core/model/digest.ts";
import type { Redactor } from "../../core/model/redact.ts";
import type { AgentEvent } from "../agents/agent.ts";
import { type Artifact, inspectArtifact } from "../session/artifact.ts";
import type { Clocks } from "../session/clocks.ts";
import { createActionCalls } from "./action-calls.ts";
import { refuse, type ToolAnswer } from "./answer.ts";
import { problemIn } from "./arguments.ts";
import { TOOL_NAMES, type ToolName } from "./definitions.ts";
import type { Ledger } from "./ledger.ts";
import type { ActionMemory } from "./memory.ts";

export interface Tools {
  /** Never throws. `signal` ends the wait of a caller that is gone; what was recorded by then stays recorded. */
  call(name: string, given: unknown, signal?: AbortSignal): Promise<ToolAnswer>;
  /** Another agent begins in the same instance: what it claims is told apart from what those before it claimed. */
  begin(): void;
  /** Whatever is under way gets its answer, and nothing more is begun. */
  close(): void;
}

const WAIT_MS_DEFAULT = 30_000;
/** Calls under way at the same time; an agent with more has lost count. */
const CALLS_MAX = 32;

export interface ToolOptions {
  readonly workspace: string;
  readonly ledger: Ledger;
  readonly clocks: Clocks;
  readonly redactor: Redactor;
  readonly memory: ActionMemory;
  /** The way of everything else that an agent says; false when nobody listens any more. */
  readonly say: (line: AgentEvent) => boolean;
}

export function createTools(options: ToolOptions): Tools {
  const { clocks } = options;
  const actions = createActionCalls(options);
  const closing = new AbortController();
  let under = 0;
  let calls = 0;

  async function call(name: string, given: unknown, signal?: AbortSignal): Promise<ToolAnswer> {
    if (!isTool(name))
      return refuse("unknown_tool", `there is no tool ${name}; there are ${TOOL_NAMES.join(", ")}`);
    if (given !== undefined && !isObject(given)) return refuse("bad_arguments", `${name} takes an object`);
    // Keys and digests are made from what may be shown: a secret's value must not leave with them.
    const asked = readable(given ?? {}, options.redactor);
    if (asked === null) return refuse("bad_arguments", "the arguments are nested too deeply, or too long");
    const problem = problemIn(name, asked);
    if (problem !== null) return refuse("bad_arguments", problem);
    if (closing.signal.aborted) return refuse("ending", "the instance is ending");
    if (under >= CALLS_MAX) return refuse("busy", `${under} calls are under way; wait for one of them`);
    under += 1;
    clocks.onOutput();
    try {
      return await carryOut(
        name,
        asked,
        AbortSignal.any([closing.signal, ...(signal === undefined ? [] : [signal])]),
      );
    } finally {
      under -= 1;
    }
  }

  async function carryOut(
    name: ToolName,
    asked: Readonly<Record<string, unknown>>,
    signal: AbortSignal,
  ): Promise<ToolAnswer> {
    const { wait_seconds: waitSeconds, ...question } = asked;
    const waitMs = typeof waitSeconds === "number" ? waitSeconds * 1_000 : WAIT_MS_DEFAULT;
    switch (name) {
      case "claim_action":
        return timed(waitMs, () => actions.claim(question, { waitMs, signal }));
      case "request_approval":
        return timed(waitMs, () => actions.askApproval(question, { waitMs, signal }));
      case "complete_action": {
        const answer = await timed(waitMs, () => actions.complete(question, { waitMs, signal }));
        if (answer.ok && answer.result["decision"] === "recorded") clocks.onProgress();
        return answer;
      }
      case "report_blocked":
        return reportBlocked(asked);
      case "submit_artifact":
        return submitArtifact(asked, options);
    }
  }

  /** While it waits for us the agent is not silent: it has an open call with a deadline. */
  async function timed<T>(waitMs: number, work: () => Promise<T>): Promise<T> {
    calls += 1;
    const id = `factory-tool-${calls}`;
    clocks.openTool(id, waitMs + ATTEMPT_GRACE_MS);
    try {
      return await work();
    } finally {
      clocks.closeTool(id);
    }
  }

  function reportBlocked(asked: Readonly<Record<string, unknown>>): ToolAnswer {
    const reason = String(asked["reason"]);
    const needs = typeof asked["needs"] === "string" ? asked["needs"] : null;
    if (!options.say({ type: "blocked", reason, needs })) return refuse("over", "the mission is over");
    return {
      ok: true,
      result: { reported: true, message: "people are told; go on with what does not depend on it" },
    };
  }

  return {
    call,
    begin: actions.begin,
    close: () => closing.abort(),
  };
}

function submitArtifact(
  asked: Readonly<Record<string, unknown>>,
  options: Pick<ToolOptions, "workspace" | "say">,
): ToolAnswer {
  const path = String(asked["path"]);
  const found: Artifact | null = inspectArtifact(options.workspace, path);
  if (found === null) return refuse("not_an_artifact", `${path} is not a file inside of the workspace`);
  const expected = asked["sha256"];
  if (expected !== undefined && found.sha256 !== undefined && expected !== found.sha256)
    return refuse("digest_differs", `${found.path} has sha256 ${found.sha256}, not ${String(expected)}`);
  if (!options.say({ type: "artifact", path: found.path })) return refuse("over", "the mission is over");
  return { ok: true, result: { ...found, reported: true } };
}

/** An attempt that is under way when the time is over may still be answered. */
const ATTEMPT_GRACE_MS = 15_000;

/** Null for what cannot be walked through, or would not be taken by the controller. */
function readable(given: Record<string, unknown>, redactor: Redactor): Record<string, unknown> | null {
  try {
    const shown = redactor.deep(given);
    return canonicalJson(shown).length <= ARGUMENTS_LENGTH_MAX ? shown : null;
  } catch {
    return null;
  }
}

/** As much as a line may hold. */
const ARGUMENTS_LENGTH_MAX = 64 * 1024;

function isTool(name: string): name is ToolName {
  return (TOOL_NAMES as readonly string[]).includes(name);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
