/** Whether bubblewrap does here what is built upon it: found out by an agent of ours that tries. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainmentPlan } from "./claim.ts";
import { containedCommand } from "./containment.ts";
import type { SandboxPlan } from "./sandbox.ts";
import { USERS_COUNT, USERS_FIRST } from "./sandbox-users.ts";
import { diesWithOpener, exitOf, succeeds } from "./trials.ts";

const UNSEEN: SandboxPlan = { hides: [], shows: [], writes: [], network: "host", scoped: false, user: null };

/** What an agent's view is made from; null where none can be had. */
export async function trySandbox(deathSignal: boolean, notes: string[]): Promise<SandboxPlan | null> {
  if (!(await succeeds(["bwrap", "--version"]))) {
    notes.push("bubblewrap (bwrap) is not installed: an agent sees what its user sees");
    return null;
  }
  const root = process.getuid?.() === 0;
  // The last of our numbers: the first are given to clones.
  const candidates = root ? [USERS_FIRST + USERS_COUNT, null] : [null];
  for (const user of candidates) {
    const plan = { ...UNSEEN, user };
    const problem = await problemOf(plan, deathSignal);
    const who = user === null ? "as the user of its shim" : "as a user of its own";
    if (problem === null) {
      notes.push(
        `bubblewrap: an agent, ${who}, writes to its workspace alone and sees neither the record, the keys, other clones, homes nor sockets of this machine`,
      );
      if (root && user === null) notes.push("root could not become another user: agents have root's number");
      const scoped = await keepsAbstract(plan);
      notes.push(scoped ? SCOPED : sharedNetwork());
      return { ...plan, scoped };
    }
    notes.push(`bubblewrap, ${who}: ${problem}`);
  }
  return null;
}

async function problemOf(plan: SandboxPlan, deathSignal: boolean): Promise<string | null> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "factory-sandbox-")));
  try {
    const workspace = join(folder, "workspace");
    const secret = join(folder, "secret");
    mkdirSync(workspace);
    writeFileSync(secret, "");
    chmodSync(secret, 0o666);
    if (plan.user !== null) chownSync(workspace, plan.user, plan.user);
    const view = { ...plan, hides: [folder] };
    const contained: ContainmentPlan = {
      kind: "pidns",
      cgroup: null,
      pidns: { user: plan.user === null, mountProc: true },
      sandbox: view,
      deathSignal,
    };
    const uid = plan.user ?? process.getuid?.() ?? 0;
    const script = [
      `test "$(id -u)" = ${uid}`,
      `test ! -e ${secret}`,
      "touch seen",
      `! touch ${folder}/written 2>/dev/null`,
      "! touch /etc/factory-trial 2>/dev/null",
      "! sh -c 'true >>/proc/sys/kernel/core_pattern' 2>/dev/null",
      `umount ${folder} 2>/dev/null; test ! -e ${secret}`,
    ].join(" && ");
    const command = containedCommand(contained, ["sh", "-c", script], { workspace });
    if (!(await succeeds(command, workspace)) || !existsSync(join(workspace, "seen")))
      return "an agent could not be shut in, or could not work";
    return (await diesWithOpener(contained, workspace)) ? null : "its process did not die with its opener";
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const SCOPED =
  "Landlock: abstract sockets of others are out of an agent's reach with an open network too; what listens on ports of this machine is not";

/** Whether the kernel refuses an abstract socket that is there: somebody listens, and an agent tries. */
async function keepsAbstract(plan: SandboxPlan): Promise<boolean> {
  const name = `factory-trial-${process.pid}-${process.hrtime.bigint()}`;
  const server = createServer((socket) => socket.destroy());
  const listens = await new Promise<boolean>((resolve) => {
    server.once("error", () => resolve(false));
    server.listen(`\0${name}`, () => resolve(true));
  });
  const workspace = realpathSync(mkdtempSync(join(tmpdir(), "factory-sandbox-")));
  try {
    if (plan.user !== null) chownSync(workspace, plan.user, plan.user);
    // 0: reached; 1: refused as such; 2: something else.
    const reach = `socket(S, PF_UNIX, SOCK_STREAM, 0); exit(connect(S, pack_sockaddr_un("\\0${name}")) ? 0 : $!{EPERM} ? 1 : 2)`;
    const says = (scoped: boolean): Promise<number | null> => {
      const contained: ContainmentPlan = {
        kind: "pidns",
        cgroup: null,
        pidns: { user: plan.user === null, mountProc: true },
        sandbox: { ...plan, scoped },
        deathSignal: false,
      };
      const program = ["perl", "-MSocket", "-MErrno", "-e", reach];
      return exitOf(containedCommand(contained, program, { workspace }), workspace);
    };
    return listens && (await says(false)) === 0 && (await says(true)) === 1;
  } finally {
    server.close();
    rmSync(workspace, { recursive: true, force: true });
  }
}

/** What nobody can keep from an agent with the machine's network. */
function sharedNetwork(): string {
  const abstract = listeningAbstract();
  return `where the network is open, an agent reaches what listens on this machine: its ports, and abstract sockets (${abstract} now)`;
}

function listeningAbstract(): number {
  try {
    const lines = readFileSync("/proc/net/unix", "latin1").split("\n");
    // Flag 0x10000: it accepts connections.
    return lines.filter((line) => / 00010000 .* @/.test(line)).length;
  } catch {
    return 0;
  }
}
