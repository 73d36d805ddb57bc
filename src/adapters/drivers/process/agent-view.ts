/** What the agent of one instance is to see of this machine: made when it is launched, carried out by its shim. */
import { existsSync, readFileSync, realpathSync } from "node:fs";
import { homedir } from "node:os";
import { basename, delimiter, dirname, extname, isAbsolute, join, sep } from "node:path";
import type { SandboxPlan } from "../../../instance/sandbox.ts";
import { toolsLink } from "../../../instance/tools-link.ts";
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
    /** The MCP server's program; named by itself, because it may lie in a folder of ours alone. */
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
  return program === undefined ? [] : [join(dirname(program), `tools-main${extname(program)}`)];
}

/**
 * Where installed programs lie, those in a home too: the folders of the PATH, and for `<prefix>/bin` the libraries beside
 * it, as with Node's own packages; and where the agent's program really is.
 */
export function programFolders(path: string, program: string): readonly string[] {
  const folders = path.split(delimiter).filter((folder) => isAbsolute(folder));
  const beside = folders.filter((folder) => basename(folder) === "bin").flatMap(librariesBeside);
  const real = realProgram(program, folders);
  const node = dirname(process.execPath);
  const found = [
    ...folders,
    ...beside,
    node,
    ...librariesBeside(node),
    ...(real === null ? [] : [dirname(real)]),
  ];
  const home = homedir();
  // Never a home as a whole, whatever somebody has put into the PATH.
  return [...new Set(found)].filter(
    (folder) => folder !== home && !`${home}${sep}`.startsWith(`${folder}${sep}`) && existsSync(folder),
  );
}

function librariesBeside(bin: string): string[] {
  const prefix = dirname(bin);
  return prefix === homedir() ? [] : ["lib", "lib64", "libexec"].map((name) => join(prefix, name));
}

function realProgram(program: string, folders: readonly string[]): string | null {
  const candidates = program.includes("/") ? [program] : folders.map((folder) => join(folder, program));
  for (const candidate of candidates) {
    try {
      if (isAbsolute(candidate)) return realpathSync(candidate);
    } catch {
      // The next one.
    }
  }
  return null;
}

/** `/etc/resolv.conf` is often a link to where nobody may look. */
function namesOfTheNetwork(): readonly string[] {
  try {
    const real = realpathSync("/etc/resolv.conf");
    return real === "/etc/resolv.conf" ? [] : [real];
  } catch {
    return [];
  }
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
