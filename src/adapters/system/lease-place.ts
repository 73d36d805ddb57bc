/** What this machine and this data directory are known by in the lease of a fleet repository. */
import { createHash } from "node:crypto";
import {
  readFileSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import type { FleetLease } from "../../core/model/fleet-lease.ts";
import type { LeasePlace, LeaseSighting } from "../../ports/lease-place.ts";
import type { Random } from "../../ports/random.ts";
import { knownFleets } from "./known-fleets.ts";

const SIGHTING_FILE = "lease-seen.json";
/** Written into the data directory of another installation by whoever proved that nobody worked there and took over. */
const SUPERSEDED_FILE = "lease-superseded.json";
const OWNER_ONLY = 0o600;

export interface LeasePlaceOptions {
  readonly dataDir: string;
  /** Public key. */
  readonly key: string;
  /** The file by which the data directory is told from a copy of it. */
  readonly identityFile: string;
  readonly random: Random;
  /** Whether some process of this machine works on the record of a data directory; true where it cannot be told. */
  readonly isWorkedOn: (dataDir: string) => boolean;
}

export function leasePlace(options: LeasePlaceOptions): LeasePlace {
  const dataDir = realpathSync(resolve(options.dataDir));
  const machine = thisMachine();
  return {
    key: options.key,
    host: hostname().slice(0, 200) || "unnamed",
    machine,
    home: homeOf(dataDir),
    directory: directoryOf(options.identityFile),
    nonce: () => options.random.nonce(),
    bootMs,
    holderGone(lease) {
      const home = formerHome(lease, dataDir);
      if (home === null || options.isWorkedOn(home)) return false;
      // Our own record has one holder, and that is us.
      if (home === dataDir) return true;
      if (!markSuperseded(home, lease)) return false;
      // Looked at again: whoever starts from here on finds the note and asks the branch first.
      return !options.isWorkedOn(home);
    },
    readSighting: () => read<LeaseSighting>(join(dataDir, SIGHTING_FILE)),
    writeSighting: (sighting) => void write(join(dataDir, SIGHTING_FILE), sighting),
    superseded: () => read(join(dataDir, SUPERSEDED_FILE)) !== null,
    forgetSuperseded: () => rmSync(join(dataDir, SUPERSEDED_FILE), { force: true }),
  };
}

/** Leaves a note in a data directory: what its record remembers of a lease may be over, so its next controller asks the branch first. */
export function markSuperseded(dataDir: string, { term }: Pick<FleetLease, "term">): boolean {
  return write(join(dataDir, SUPERSEDED_FILE), { term });
}

/** The data directory on this machine in which the holder of a lease works or worked; null where there is none that we know. */
export function formerHome(lease: FleetLease, dataDir: string): string | null {
  if (lease.machine !== thisMachine()) return null;
  const homes = [dataDir, ...knownFleets().map((fleet) => fleet.dataDir)];
  for (const home of homes) {
    try {
      const path = realpathSync(home);
      if (homeOf(path) === lease.home) return path;
    } catch {
      // It is gone.
    }
  }
  return null;
}

/** Goes on between processes; a machine that sleeps may stop it. */
export function bootMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n);
}

/** One boot of one machine, as its processes see each other: a container with PIDs of its own is another one. */
export function thisMachine(): string {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  return digest(`${boot} ${readlinkSync("/proc/self/ns/pid")}`);
}

function homeOf(path: string): string {
  return digest(`${thisMachine()} ${path}`);
}

/** A copy has another number on the disk; a volume that is mounted elsewhere keeps it. */
export function directoryOf(identityFile: string): string {
  const found = statSync(identityFile, { throwIfNoEntry: false });
  return found === undefined ? "none" : digest(`${found.ino} ${found.birthtimeMs}`);
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

function read<T>(path: string): T | null {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as T;
  } catch {
    return null; // Not there, or cut off: nothing is known.
  }
}

function write(path: string, value: object): boolean {
  try {
    const next = `${path}.${process.pid}`;
    writeFileSync(next, `${JSON.stringify(value)}\n`, { mode: OWNER_ONLY });
    renameSync(next, path);
    return true;
  } catch {
    return false;
  }
}
