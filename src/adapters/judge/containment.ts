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

const CANDIDATES: readonly CheckContainment[] = [
  {
    kind: "pidns",
    prefix: ["setpriv", "--pdeathsig", "KILL", "unshare", "--pid", "--fork", "--kill-child", "--"],
  },
  {
    kind: "pidns",
    prefix: [
      ...["setpriv", "--pdeathsig", "KILL"],
      ...["unshare", "--user", "--map-current-user", "--pid", "--fork", "--kill-child", "--"],
    ],
  },
];

/** The strongest containment that works here and now, found out by running `true` in it. Never rejects. */
export async function probeContainment(): Promise<CheckContainment> {
  for (const candidate of CANDIDATES) if (await works(candidate)) return candidate;
  return GROUP;
}

async function works(candidate: CheckContainment): Promise<boolean> {
  const [program = "", ...args] = [...candidate.prefix, "true"];
  return await new Promise((resolve) => {
    const child = spawn(program, args, { stdio: "ignore", timeout: PROBE_MS, killSignal: "SIGKILL" });
    child.once("error", () => resolve(false));
    child.once("exit", (code) => resolve(code === 0));
  });
}
