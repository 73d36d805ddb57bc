import { command } from "../command.ts";
import { count, option, sourceOptions } from "../options.ts";
import { AGENT_NAMES } from "../scaffold/agents.ts";
import type { NewOptions } from "../scaffold/new-document.ts";

export const newDocument = command<NewOptions, [kind: string, name: string | undefined]>({
  usage: "new <kind> [name]",
  summary: "Add a mission, a clone or an overlay",
  examples: [
    "factory new mission weekly-links",
    "factory new clone weekly-links",
    "factory new clone weekly-links --agent claude-code",
    "factory new overlay careful-reader",
    "factory new mission --from-issue 12",
  ],
  options: [
    option("--clone <clone>", "mission: the clone that does it (default: a new one)"),
    option("--overlay <overlay>", "clone, mission: the overlay of a new clone"),
    option(
      "--agent <agent>",
      `clone: the agent that works in it: ${AGENT_NAMES.join(", ")}, or command, a program of the overlay`,
    ),
    option("--objective <text>", "mission: what it is to achieve"),
    option("--from-issue <number>", "mission: what this issue asks for, as a branch to review").argParser(
      count,
    ),
    option("--body-file <file>", "its text, where no forge is to be asked"),
    ...sourceOptions(),
  ],
  run: async (call, kind, name) =>
    (await import("../scaffold/new-document.ts")).newDocument(call, kind, name),
});
