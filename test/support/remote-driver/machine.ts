/**
 * Starts the server of the remote driver on "another machine": in a mount namespace of its own, where this machine allows
 * one. Its root is a file system that exists only in there, and the folders that are named are empty for it.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface RemoteMachine {
  readonly url: string;
  /** Where its files are, in its own eyes. */
  readonly root: string;
  /** Whether it sees another file system than we do; false: it only has directories of its own. */
  readonly apart: boolean;
  close(): Promise<void>;
}

const SERVER = fileURLToPath(new URL("./server.ts", import.meta.url));
/** As root, as an ordinary user, and where neither may be had. */
const NAMESPACES: readonly (readonly string[])[] = [
  ["unshare", "--mount", "--propagation", "private", "--"],
  ["unshare", "--user", "--map-root-user", "--mount", "--propagation", "private", "--"],
];
/** The last argument is the root; those before it are hidden. Sockets and homes of instances go below the root as well. */
const VEIL =
  'for folder in "$@"; do mount -t tmpfs -o mode=0700 tmpfs "$folder" || exit 125; root=$folder; done; ' +
  'mkdir "$root/tmp" && TMPDIR=$root/tmp exec "$NODE" "$SERVER" "$root"';
const UP_MS = 20_000;

export async function startRemoteMachine(hidden: readonly string[] = []): Promise<RemoteMachine> {
  const root = mkdtempSync(join(tmpdir(), "remote-"));
  const env = { ...process.env, NODE: process.execPath, SERVER };
  for (const namespace of NAMESPACES) {
    const argv = [...namespace, "sh", "-c", VEIL, "sh", ...hidden, root];
    const machine = await listening(argv, { env, root, apart: true });
    if (machine !== null) return machine;
  }
  const machine = await listening([process.execPath, SERVER, root], { env, root, apart: false });
  if (machine === null) throw new Error("the server of the remote driver did not come up");
  return machine;
}

async function listening(
  [program = "", ...args]: readonly string[],
  how: { readonly env: NodeJS.ProcessEnv; readonly root: string; readonly apart: boolean },
): Promise<RemoteMachine | null> {
  const child = spawn(program, args, { env: how.env, stdio: ["pipe", "pipe", "inherit"] });
  child.on("error", () => {});
  const port = await firstLine(child);
  if (port === null) return null;
  return {
    url: `http://127.0.0.1:${port}/`,
    root: how.root,
    apart: how.apart,
    async close() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.stdin?.end();
      await ended;
      rmSync(how.root, { recursive: true, force: true });
    },
  };
}

/** Null when it ends before it has said anything. */
function firstLine(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    const late = setTimeout(() => child.kill("SIGKILL"), UP_MS);
    const settle = (line: string | null): void => {
      clearTimeout(late);
      resolve(line);
    };
    child.once("exit", () => settle(null));
    child.once("error", () => settle(null));
    if (child.stdout !== null) createInterface({ input: child.stdout }).once("line", settle);
  });
}
