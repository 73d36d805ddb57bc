import { homedir } from "node:os";
import { refuseShortage } from "../../core/model/shortage.ts";
import { type SandboxPlan, sandboxed } from "../../instance/sandbox.ts";
import { trySandbox } from "../../instance/sandbox-trial.ts";
import { signalChild } from "../../instance/signal-child.ts";
import { refuseShortageOf, startProgram } from "../../instance/start-program.ts";
import { namesOfTheNetwork, programFolders } from "../../instance/visible-programs.ts";

/**
 * What holds a check's processes, and keeps the machine from them.
 *
 * - `sandbox`: bubblewrap, as for agents: a check sees the checkout, the outputs, the installed programs and scratch space of
 *   its own. It has no network unless the contract says so, limits, and ends as a whole.
 * - `pidns`: the first process of a PID namespace. It ends as a whole, and reads and reaches what the controller can.
 * - `group`: a process group, killed when the check ends. A check that calls setsid leaves it.
 */
export type CheckContainment =
  | { readonly kind: "sandbox"; readonly plan: SandboxPlan; readonly deathSignal: boolean }
  | Uncontained;

export interface Uncontained {
  readonly kind: "pidns" | "group";
  /** Words put in front of the check's command. */
  readonly prefix: readonly string[];
  /** Why there is no sandbox. */
  readonly because: string;
}

export const GROUP: Uncontained = { kind: "group", prefix: [], because: "it was not looked for" };

/** Of each process by itself: what a compiler or a test runner takes several times over. */
export const MEMORY_MB_EACH = 2_048;
/** Processes and threads of one check; a Node has a dozen. */
export const PROCESSES_MAX = 512;
/** One file that it writes. */
export const FILE_MB_MAX = 256;
const MIB = 1024 * 1024;

const PROBE_MS = 5_000;

const LAUNCHERS: readonly (readonly string[])[] = [
  ["setpriv", "--pdeathsig", "KILL"],
  [], // Without it a check outlives us, but not its namespace's first process.
];
const NAMESPACES: readonly (readonly string[])[] = [
  ["unshare", "--pid", "--fork", "--kill-child", "--"], // As root.
  ["unshare", "--user", "--map-current-user", "--pid", "--fork", "--kill-child", "--"],
];

/**
 * The strongest containment that works here and now, found out by trying with the environment that checks get. What was
 * found to work is not tried again: machines lose nothing of the kind. Rejects `machine/shortage` where nothing could be
 * tried: then nobody knows what there is, and no check runs with less.
 */
export async function probeContainment(env: NodeJS.ProcessEnv): Promise<CheckContainment> {
  if (found !== null) return found;
  const notes: string[] = [];
  const deathSignal = await works(["setpriv", "--pdeathsig", "KILL", "--"], env);
  const limits = await works(limited([]), env);
  const plan = limits ? await trySandbox(deathSignal, notes).catch(notUsable) : null;
  if (plan !== null) {
    found = { kind: "sandbox", plan, deathSignal };
    return found;
  }
  const because = limits ? (notes.at(-1) ?? "no sandbox could be tried") : "prlimit does not work here";
  return await probeNamespaces(env, because);
}

let found: CheckContainment | null = null;

function notUsable(error: unknown): null {
  refuseShortage(error, "bubblewrap could not be tried");
  return null;
}

/** What there is without bubblewrap. */
export async function probeNamespaces(env: NodeJS.ProcessEnv, because: string): Promise<Uncontained> {
  for (const launcher of LAUNCHERS) {
    for (const namespace of NAMESPACES) {
      const prefix = [...launcher, ...namespace];
      if (await works(prefix, env)) return { kind: "pidns", prefix, because };
    }
  }
  return { ...GROUP, because };
}

export interface CheckPlace {
  /** Working folder. */
  readonly checkout: string;
  /** Whether it may write to it. */
  readonly writes: boolean;
  readonly network: boolean;
  /** The outputs as they were collected. */
  readonly outputs: string;
  /** Whom it runs as; null: whoever judges. */
  readonly user: number | null;
  /** What is kept from it: the judge's folder, the fleet's data, other fleets. */
  readonly hidden: readonly string[];
}

/** The command line that runs a check within all of it. */
export function containedCheck(
  containment: CheckContainment,
  command: readonly string[],
  place: CheckPlace & { readonly path: string; readonly script: string },
): readonly string[] {
  if (containment.kind !== "sandbox") return [...containment.prefix, ...command];
  const { checkout, writes, network, outputs, user, hidden, path, script } = place;
  const plan: SandboxPlan = {
    hides: [homedir(), ...hidden],
    shows: [...programFolders(path, command[0] ?? ""), outputs, ...(network ? namesOfTheNetwork() : [])],
    writes: [],
    network: network ? "host" : "none",
    scoped: containment.plan.scoped,
    user: containment.plan.user === null ? null : user,
    readOnly: !writes,
  };
  const shut = sandboxed(plan, { workspace: checkout, argv: limited(command), script });
  return containment.deathSignal ? ["setpriv", "--pdeathsig", "KILL", "--", ...shut] : shut;
}

/** Data and not address space: a Node reserves far more than it ever takes. */
function limited(command: readonly string[]): string[] {
  const limits = [
    `--data=${MEMORY_MB_EACH * MIB}`,
    `--nproc=${PROCESSES_MAX}`,
    `--fsize=${FILE_MB_MAX * MIB}`,
    "--core=0",
  ];
  return ["prlimit", ...limits, "--", ...command];
}

async function works(prefix: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  const [program = "", ...args] = [...prefix, "true"];
  const { child, failure } = startProgram(program, args, { env, stdio: "ignore" });
  if (failure !== null) refuseShortageOf(await failure);
  if (child === null) return false;
  return await new Promise((resolve) => {
    const timer = setTimeout(() => signalChild(child, "SIGKILL"), PROBE_MS);
    child.once("exit", (code) => {
      clearTimeout(timer);
      resolve(code === 0);
    });
  });
}
