/**
 * What an agent sees of the machine: the command line of bubblewrap that runs it in namespaces of its own.
 *
 * The root file system is there and cannot be written to; folders in which others keep what is theirs, and in which
 * servers of the same user listen, are empty; the workspace alone is as it is. Nobody in there has a capability
 * or can get one. The first process is a small shell of ours: it reaps orphans, waits for the gate, and stops or
 * continues everything else in one stroke when it is told to (`freeze.ts`).
 *
 * What this does not keep from an agent: the network where it is open, and with it what listens on the ports of this
 * machine; abstract sockets there, where the kernel cannot tell them apart (`scoped`); sockets that lie elsewhere in the
 * file system and let everybody in.
 */
import { existsSync, realpathSync, statSync } from "node:fs";
import { dirname, sep } from "node:path";

export interface SandboxPlan {
  /** Folders and files that are empty; of those that are not there, nothing is done. */
  readonly hides: readonly string[];
  /** Below these, what is to be seen all the same, and not to be written to. */
  readonly shows: readonly string[];
  /** To be seen and written to, beside the workspace. */
  readonly writes: readonly string[];
  /** `none`: a network of its own with nobody else in it, and so no abstract socket of anybody else. */
  readonly network: "host" | "none";
  /** The kernel refuses it whatever listens under an abstract name and is not its own (Landlock, from Linux 6.12 on). */
  readonly scoped: boolean;
  /** Whom agents run as; null: whoever runs the shim. Only a shim of root may name another one. */
  readonly user: number | null;
  /** The workspace is to be seen and not to be written to: a checkout that somebody is judged in. */
  readonly readOnly?: boolean;
  /** For a name that is short enough for a socket: leads to the workspace's folder of ours (`tools-link.ts`). */
  readonly link?: { readonly name: string; readonly to: string };
}

/** Told to the first process: stop, or continue, everything but yourself. */
export const FREEZE_SIGNAL = "SIGUSR1";
export const THAW_SIGNAL = "SIGUSR2";

/**
 * Of a PID namespace: kill(2) with -1 reaches all of it at one instant, forks in flight included, and spares whoever
 * calls it. Background jobs of a shell read /dev/null unless their input is passed on by another number. A `wait` that
 * a signal has cut short is begun again.
 */
export const INIT_SCRIPT =
  'trap "factory_f=1; kill -STOP -1 2>/dev/null" USR1; trap "factory_f=1; kill -CONT -1 2>/dev/null" USR2; ' +
  'exec 3<&0; "$@" <&3 3<&- & factory_p=$!; exec 3<&- </dev/null; ' +
  'while :; do factory_f=; wait "$factory_p"; factory_s=$?; ' +
  'if [ -z "$factory_f" ] || [ "$factory_s" = 127 ]; then exit "$factory_s"; fi; done';

/** Scratch space that goes away with the agent; large files belong into its `TMPDIR`, which is on the disk. */
const SCRATCH = ["/tmp", "/var/tmp"] as const;
const SCRATCH_BYTES_MAX = 256 * 1024 * 1024;
const COVERED = ["/run", "/home", "/root", "/media", "/mnt"] as const;
/** Never made empty, whatever is asked: nothing could run any more. */
const NEVER = new Set([
  "/",
  "/bin",
  "/dev",
  "/etc",
  "/lib",
  "/lib64",
  "/opt",
  "/proc",
  "/sbin",
  "/sys",
  "/usr",
  "/var",
]);

/** What is needed of root to become somebody else, and to stop them. */
const CAPABILITIES = ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP", "CAP_KILL"] as const;

/** `script`: what the first process runs, with the agent's command as its arguments. */
export function sandboxed(
  plan: SandboxPlan,
  {
    workspace,
    argv,
    script,
  }: {
    readonly workspace: string;
    readonly argv: readonly string[];
    readonly script: string;
  },
): string[] {
  const root = process.getuid?.() === 0;
  const options = ["--die-with-parent", "--unshare-pid", "--as-pid-1", "--unshare-ipc", "--unshare-uts"];
  options.push("--unshare-cgroup-try");
  if (plan.network === "none") options.push("--unshare-net");
  if (plan.user === null) options.push("--unshare-user");
  else options.push("--cap-drop", "ALL", ...CAPABILITIES.flatMap((one) => ["--cap-add", one]));
  options.push(...mounts(plan, workspace), "--proc", "/proc", "--dev", "/dev");
  // In memory like the rest of `/dev`, which would take as much as the machine has.
  options.push(...mountOf("/dev/shm", "scratch"), "--remount-ro", "/dev");
  // Root's number may write there whatever it may not do otherwise.
  if (root && plan.user === null) options.push(...kernelInterfaces());
  options.push("--chdir", "/");
  const become =
    plan.user === null
      ? []
      : ["setpriv", "--reuid", String(plan.user), "--regid", String(plan.user), "--clear-groups"].concat([
          "--inh-caps=-all",
          "--bounding-set=-all",
          "--",
        ]);
  // Bubblewrap's outer process is of the agent's group and would die of a signal that is meant for the agent.
  const deaf = ["sh", "-c", 'trap "" TERM; exec "$@"', "factory-sandbox"];
  // Root without its powers may not enter what is another user's alone: the agent goes there by itself.
  const hearing = ["env", "--default-signal=TERM,INT,QUIT", `--chdir=${workspace}`, `PWD=${workspace}`];
  const scoped = plan.scoped ? ["perl", "-e", SCOPE_SCRIPT, "--"] : [];
  const agent = [...become, ...scoped, ...hearing, ...argv];
  return [...deaf, "bwrap", ...options, "--", "sh", "-c", script, "factory-init", ...agent];
}

/**
 * landlock_create_ruleset and landlock_restrict_self have these numbers on every architecture; nothing is handled but the
 * scope of abstract sockets. There is no program yet that does this alone, and Perl is where Debian is.
 */
const SCOPE_SCRIPT =
  'my $a = pack("QQQ", 0, 0, 1); my $r = syscall(444, $a, 24, 0); ' +
  "($r >= 0 and syscall(446, $r, 0) == 0) or exit 125; exec { $ARGV[0] } @ARGV; exit 127";

function kernelInterfaces(): string[] {
  const paths = ["/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi"];
  return paths.filter((path) => existsSync(path)).flatMap((path) => ["--ro-bind", path, path]);
}

type Kind = "scratch" | "hide" | "show" | "write";

/** The deeper a path, the later it is mounted: so each lies on top of what is above it. */
export function mounts(plan: SandboxPlan, workspace: string): string[] {
  const entries = new Map<string, Kind>();
  const put = (kind: Kind, paths: readonly string[]): void => {
    for (const path of paths) {
      const real = realOf(path);
      if (real === null || (kind !== "write" && kind !== "show" && NEVER.has(real))) continue;
      entries.set(real, kind);
    }
  };
  // What is named later stands: a workspace is one wherever it lies.
  put("hide", COVERED);
  put("scratch", SCRATCH);
  put("show", plan.shows);
  put("hide", plan.hides);
  put("write", plan.writes);
  put(plan.readOnly === true ? "show" : "write", [workspace]);
  if (plan.user !== null) put("hide", closedAbove([...plan.shows, ...plan.writes, workspace], entries));
  const sorted = [...entries].sort(([a], [b]) => depth(a) - depth(b) || (a < b ? -1 : 1));
  const args = ["--ro-bind", "/", "/"];
  const covers: string[] = [];
  for (const [path, kind] of sorted) {
    const above = kindAbove(path, entries);
    if (kind === "hide" && isThereAlready(path, above?.kind, entries)) {
      entries.delete(path);
      continue;
    }
    if (kind === "show" && (above === null || above.kind === "show")) continue;
    if (above !== null && (above.kind === "hide" || above.kind === "scratch"))
      for (const folder of between(above.path, path)) args.push("--dir", folder);
    args.push(...mountOf(path, kind));
    if (kind === "hide" && isFolder(path)) covers.push(path);
  }
  if (plan.link !== undefined && kindAbove(plan.link.name, entries)?.kind === "scratch")
    args.push("--symlink", plan.link.to, plan.link.name);
  // At last: until now what lies in them had to be made.
  for (const path of covers) args.push("--remount-ro", path);
  return args;
}

/** Nothing is in an empty folder; only what is to be seen below it needs one that cannot be written to. */
function isThereAlready(path: string, above: Kind | undefined, entries: ReadonlyMap<string, Kind>): boolean {
  if (above === "hide") return true;
  return above === "scratch" && ![...entries.keys()].some((other) => other.startsWith(`${path}${sep}`));
}

function mountOf(path: string, kind: Kind): string[] {
  if (kind === "scratch") return ["--perms", "1777", "--size", String(SCRATCH_BYTES_MAX), "--tmpfs", path];
  if (kind === "show") return ["--ro-bind", path, path];
  if (kind === "write") return ["--bind", path, path];
  return isFolder(path) ? ["--perms", "0755", "--tmpfs", path] : ["--ro-bind", "/dev/null", path];
}

/** Folders above that nobody but their owner may pass: another user would not come to what lies below them. */
function closedAbove(paths: readonly string[], entries: ReadonlyMap<string, Kind>): readonly string[] {
  const closed: string[] = [];
  for (const path of paths) {
    const real = realOf(path);
    if (real === null) continue;
    const above = kindAbove(real, entries);
    const folders = between(above === null || above.kind === "show" ? sep : above.path, real);
    // Those in an empty folder are made anew, for everybody.
    if (above !== null && above.kind !== "show") continue;
    const first = folders.find((folder) => (statSync(folder).mode & 0o001) === 0);
    if (first !== undefined && !entries.has(first)) closed.push(first);
  }
  return closed;
}

function kindAbove(
  path: string,
  entries: ReadonlyMap<string, Kind>,
): { readonly path: string; readonly kind: Kind } | null {
  for (let at = dirname(path); ; at = dirname(at)) {
    const kind = entries.get(at);
    if (kind !== undefined) return { path: at, kind };
    if (at === dirname(at)) return null;
  }
}

/** The folders from one down to the other, without the two. */
function between(from: string, to: string): readonly string[] {
  const folders: string[] = [];
  for (let at = dirname(to); at !== from && at !== dirname(at); at = dirname(at)) folders.unshift(at);
  return folders;
}

function depth(path: string): number {
  return path === sep ? 0 : path.split(sep).length;
}

function realOf(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null; // Not there, so nobody can see it.
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
