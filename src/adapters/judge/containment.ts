import { spawn } from "node:child_process";

/**
 * What holds a check's processes together.
 *
 * - `pidns`: the check is the first process of a PID namespace. The kernel ends
 *   all of it when the check ends, and with us when we die (`setpriv --pdeathsig`).
 * - `group`: a process group, killed when the check ends. A check that calls setsid leaves it.
 */
export interface CheckContainment {
  readonly kind: "pidns" | "group";
  /** Words put in front of the check's command. */
  readonly prefix: readonly string[];
}

export const GROUP: CheckContainment = { kind: "group", prefix: [] };

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
 * The strongest containment that works here and now, found out by running
 * `true` in it with the environment that checks get. Never rejects.
 */
export async function probeContainment(env: NodeJS.ProcessEnv): Promise<CheckContainment> {
  for (const launcher of LAUNCHERS) {
    for (const namespace of NAMESPACES) {
      const prefix = [...launcher, ...namespace];
      if (await works(prefix, env)) return { kind: "pidns", prefix };
    }
  }
  return GROUP;
}

async function works(prefix: readonly string[], env: NodeJS.ProcessEnv): Promise<boolean> {
  const [program = "", ...args] = [...prefix, "true"];
  return await new Promise((resolve) => {
    const child = spawn(program, args, { env, stdio: "ignore", timeout: PROBE_MS, killSignal: "SIGKILL" });
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
  });
}
