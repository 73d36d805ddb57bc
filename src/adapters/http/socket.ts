/** The controller's Unix socket: in a folder where nobody else can put one, for its owner alone. */
import { chmodSync, closeSync, constants, fstatSync, lstatSync, openSync, renameSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { basename, dirname, join } from "node:path";
import { reachable } from "../../instance/proven.ts";

const GROUP_AND_OTHERS_WRITE = 0o022;

export interface Bound {
  /** Takes the name away, if it is still ours, once nobody listens any more. */
  release(): void;
}

/**
 * Has `listen` listen under a name that nobody knows, and then puts that in the place of what a dead controller left:
 * clients find the old one, which refuses them, or ours with its mode. Throws a sentence for a folder that others may write to, for a
 * socket on which somebody answers, and for what is no socket. The folder is entered by a descriptor, so its path may have any length.
 */
export async function bindSocket(path: string, listen: (at: string) => Promise<unknown>): Promise<Bound> {
  const directory = dirname(path);
  const folder = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    refuseSharedFolder(folder, directory);
    const inside = reachable(folder, directory);
    const target = join(inside, basename(path));
    const temporary = `${target}.new`;
    await refuseTaken(target, path);
    if (lstatSync(temporary, { throwIfNoEntry: false })?.isSocket()) rmSync(temporary);
    await listen(temporary);
    chmodSync(temporary, 0o600);
    const { ino } = lstatSync(temporary);
    renameSync(temporary, target);
    return {
      release() {
        if (lstatSync(target, { throwIfNoEntry: false })?.ino === ino) rmSync(target);
        closeSync(folder);
      },
    };
  } catch (error) {
    closeSync(folder);
    throw error;
  }
}

function refuseSharedFolder(folder: number, directory: string): void {
  const { uid, mode } = fstatSync(folder);
  const own = process.geteuid?.() ?? uid;
  if (uid !== own)
    throw new Error(`${directory} belongs to user ${uid}, who could listen there instead of user ${own}`);
  if ((mode & GROUP_AND_OTHERS_WRITE) === 0) return;
  const bits = (mode & 0o777).toString(8);
  throw new Error(
    `others may write to ${directory} (mode ${bits}) and could listen there; take that away: chmod go-w ${directory}`,
  );
}

/** A socket without a listener is what a killed controller leaves behind; everything else is somebody's. */
async function refuseTaken(target: string, path: string): Promise<void> {
  const facts = lstatSync(target, { throwIfNoEntry: false });
  if (facts === undefined) return;
  if (!facts.isSocket()) throw new Error(`${path} is there, and is not a socket`);
  if (await refusesConnections(target)) return;
  throw new Error(`somebody listens on ${path} already`);
}

function refusesConnections(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error) => resolve("code" in error && error.code === "ECONNREFUSED"));
  });
}
