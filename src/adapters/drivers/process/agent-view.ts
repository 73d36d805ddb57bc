/** What the agent of one instance is to see of this machine: made when it is launched, carried out by its shim. */
import { existsSync, readFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, extname, isAbsolute, join } from "node:path";
import type { SandboxPlan } from "../../../instance/sandbox.ts";
import { toolsLink } from "../../../instance/tools-link.ts";
import { namesOfTheNetwork, programFolders } from "../../../instance/visible-programs.ts";
import type { StartRequest } from "../../../ports/driver.ts";
import { userOf } from "./users.ts";

/** Ours: what a shim offers its agent is started from there. */
const OWN_PACKAGE = packageOf(import.meta.dirname);

export function agentView(
  template: SandboxPlan,
  request: Pick<StartRequest, "clone" | "nonce" | "workspace" | "agent" | "shares" | "network">,
  {
    directory,
    hidden,
    tools,
  }: {
    readonly directory: string;
    readonly hidden: readonly string[];
    /** The programs of the MCP server and of the door to the gateway; named by themselves, because it may lie in a folder of ours alone. */
    readonly tools: readonly string[];
  },
): SandboxPlan {
  const { clone, nonce, workspace, agent, shares = [], network = template.network } = request;
  const folder = join(workspace.place, ".factory");
  return {
    network,
    scoped: template.scoped,
    hides: [homedir(), ...template.hides, ...hidden].filter((path) => path !== OWN_PACKAGE),
    shows: [
      ...programFolders(process.env["PATH"] ?? "", agent.command[0]),
      ...tools,
      ...(OWN_PACKAGE === null ? [] : [OWN_PACKAGE]),
      ...namesOfTheNetwork(),
      ...shares.filter(({ access }) => access === "read").map(({ path }) => path),
    ],
    writes: shares.filter(({ access }) => access === "write").map(({ path }) => path),
    user: template.user === null ? null : userOf(directory, clone),
    link: { name: toolsLink(nonce), to: folder },
  };
}

/** As the shim finds it (`shim/main.ts`). */
export function toolsBeside(shimCommand: readonly string[]): readonly string[] {
  const program = shimCommand.findLast((word) => isAbsolute(word) && existsSync(word));
  if (program === undefined) return [];
  const beside = ["tools-main", "door-main"].map((name) =>
    join(dirname(program), `${name}${extname(program)}`),
  );
  // They are run by the shim's own Node.
  return [...beside, process.execPath];
}

/** The folder of the package that a file belongs to. */
function packageOf(from: string): string | null {
  for (let at = from; at !== dirname(at); at = dirname(at)) {
    try {
      readFileSync(join(at, "package.json"));
      return at;
    } catch {
      // Further up.
    }
  }
  return null;
}
