/** What an agent asks of a model, whichever interface it asks through, and what a model answers. */

export interface Turn {
  /** What the agent and its person have said, without what tools answered. */
  readonly prompt: string;
  /** What tools answered since, in order. */
  readonly results: readonly string[];
  readonly tools: readonly OfferedTool[];
  /** The model that is asked for. */
  readonly model: string;
}

export interface OfferedTool {
  readonly name: string;
  /** Of a tool that its interface names in a group. */
  readonly namespace?: string;
  /** JSON Schema of its arguments, by name. */
  readonly properties: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

export type Reply =
  | { readonly type: "text"; readonly text: string }
  | {
      readonly type: "call";
      readonly tool: OfferedTool;
      readonly arguments: Readonly<Record<string, unknown>>;
    };

/** Every answer says that it used this much. */
export const USAGE = { input: 1_000, output: 50 } as const;

/** A command for the agent's own shell tool, in the words of that tool; null: it offers none. */
export function shellCall(tools: readonly OfferedTool[], command: string): Reply | null {
  const tool = SHELLS.map((name) => tools.find((one) => one.name === name)).find((one) => one !== undefined);
  if (tool === undefined) return null;
  const { properties } = tool;
  const line =
    properties["cmd"] !== undefined
      ? { cmd: command }
      : properties["command"]?.["type"] === "array"
        ? { command: ["bash", "-lc", command] }
        : { command };
  const extras = Object.entries(EXTRAS).filter(([name]) => properties[name] !== undefined);
  return { type: "call", tool, arguments: { ...line, ...Object.fromEntries(extras) } };
}

/** A tool of an MCP server: agents put the server's name in front of it, each in its own way. */
export function mcpCall(
  tools: readonly OfferedTool[],
  name: string,
  given: Readonly<Record<string, unknown>>,
): Reply | null {
  const tool = tools.find(
    (one) => one.name === name || one.name.endsWith(`_${name}`) || one.name.endsWith(`-${name}`),
  );
  return tool === undefined ? null : { type: "call", tool, arguments: given };
}

/** The names that agents give to it. */
const SHELLS = [
  "Bash",
  "bash",
  "run_shell_command",
  "exec_command",
  "shell_command",
  "shell",
  "execute_command",
];
/** Arguments that some of them ask for besides. */
const EXTRAS = { description: "a step of the mission", mode: "sync", is_background: false };
