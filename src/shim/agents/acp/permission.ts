/** What the contract says of one tool call. Decides from what the agent says of the call: it holds agents that ask, and isolation holds the others. */
import { TOOL_NAMES } from "../../tools/definitions.ts";

/** As an agent tells of it, put together from everything that it said. */
export interface ToolFacts {
  readonly title: string | null;
  /** Of the protocol: read, edit, delete, move, search, execute, think, fetch, switch_mode, other. */
  readonly kind: string | null;
  /** The tool's own name. */
  readonly name: string | null;
}

export interface ToolRules {
  readonly allowed: readonly string[];
  readonly forbidden: readonly string[];
  readonly approvalRequired: readonly string[];
}

export type ToolVerdict =
  | { readonly type: "allow" }
  | { readonly type: "refuse"; readonly why: string }
  /** `action`: whose approval it needs. */
  | { readonly type: "ask"; readonly action: string };

/** What contracts call the kinds of the protocol, beside their own names. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  read: ["read"],
  search: ["search", "read"],
  edit: ["edit", "write"],
  delete: ["delete", "write"],
  move: ["move", "write"],
  execute: ["execute", "shell"],
  fetch: ["fetch", "network"],
  think: ["think"],
  switch_mode: ["switch_mode"],
  other: ["other"],
};

/** For a call of which nobody knows what it does, where the contract says anything of tools. */
export const UNKNOWN_TOOL = "unknown_tool";
/** As many characters as the name of an action may have. */
const NAME_CHARS_MAX = 63;

/**
 * Forbidden goes before everything, then what needs people, then the list of what is allowed (empty: everything). Of a
 * call without a kind nobody can tell that it is none of those: people are asked, unless no rule names a tool.
 */
export function judgeTool(call: ToolFacts, rules: ToolRules): ToolVerdict {
  if (isOurs(call)) return { type: "allow" };
  const names = namesOf(call);
  const forbidden = names.find((name) => rules.forbidden.includes(name));
  if (forbidden !== undefined) return { type: "refuse", why: `the contract forbids ${forbidden}` };
  const action = names.find((name) => rules.approvalRequired.includes(name));
  if (action !== undefined) return { type: "ask", action };
  const restricts = rules.allowed.length > 0 || rules.forbidden.length > 0 || namesKinds(rules);
  if (call.kind === null && restricts && !names.some((name) => rules.allowed.includes(name)))
    return { type: "ask", action: UNKNOWN_TOOL };
  if (rules.allowed.length === 0 || call.kind === "think") return { type: "allow" };
  return names.some((name) => rules.allowed.includes(name))
    ? { type: "allow" }
    : { type: "refuse", why: `the contract allows ${rules.allowed.join(", ")} alone` };
}

/** Every name under which a contract may mean it: of its kind, and its own. */
export function namesOf({ kind, name }: Pick<ToolFacts, "kind" | "name">): readonly string[] {
  const own = name === null ? "" : wordOf(name);
  return [...new Set([...(kind === null ? [] : (WORDS[kind] ?? ["other"])), ...(own === "" ? [] : [own])])];
}

function namesKinds({ approvalRequired }: ToolRules): boolean {
  const words = new Set(Object.values(WORDS).flat());
  return approvalRequired.some((name) => words.has(name));
}

/**
 * The tools that a shim offers itself. A command may carry any text as its title: so only a call that says that it is
 * no file, no shell and no network is taken for one of them.
 */
function isOurs({ kind, name, title }: ToolFacts): boolean {
  if (kind !== null && kind !== "other") return false;
  const said = wordOf(name ?? title ?? "");
  return TOOL_NAMES.some((tool) => OUR_NAMES.some((prefix) => said === `${prefix}${tool}`));
}

/** How agents name the tools of an MCP server that is called `factory`. */
const OUR_NAMES = ["mcp__factory__", "factory__", "factory_", "factory.", "mcp.factory.", "factory:"];

function wordOf(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replace(/[^a-z0-9_.:-]+/g, "_")
    .slice(0, NAME_CHARS_MAX);
}
