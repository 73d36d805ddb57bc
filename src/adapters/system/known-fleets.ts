/**
 * Which fleets of this user there are on this machine: each controller notes down where it keeps its data and what
 * it is made from, so that the agents of the others see nothing of it. A note holds paths and nothing else.
 */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { fileURLToPath } from "node:url";
import { refuseShortage } from "../../core/model/shortage.ts";
import { withSpare } from "../../instance/spare-descriptors.ts";

export interface KnownFleet {
  readonly dataDir: string;
  /** A source that is a local path, and the checkout that it was started from. */
  readonly origins: readonly string[];
}

/** More than a person starts; beyond it the newest notes are not read. */
const FLEETS_MAX = 1_000;

/** The one of this name; a repeat replaces it. A home that is not there or cannot be written to is no reason not to start: `false`. */
export function rememberFleet(fleet: KnownFleet): boolean {
  const folder = notesFolder();
  // A user without a home, such as that of a service, does not get one by this.
  if (process.env["XDG_STATE_HOME"] === undefined && !existsSync(homedir())) return false;
  const name = `${createHash("sha256").update(fleet.dataDir).digest("hex").slice(0, 16)}.json`;
  const temporary = join(folder, `.${name}.${process.pid}`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(temporary, `${JSON.stringify(fleet, null, 2)}\n`, { mode: 0o600 });
    renameSync(temporary, join(folder, name));
    return true;
  } catch {
    return false;
  }
}

/** Those whose data directory is still there; the notes of the others go. Throws `machine/shortage`: for want of a descriptor no fleet is forgotten, or shown to agents. */
export function knownFleets(): readonly KnownFleet[] {
  const folder = notesFolder();
  const fleets: KnownFleet[] = [];
  for (const name of namesIn(folder).slice(0, FLEETS_MAX)) {
    const path = join(folder, name);
    const fleet = readNote(path);
    if (fleet !== null && existsSync(fleet.dataDir)) fleets.push(fleet);
    else rmSync(path, { force: true });
  }
  return fleets;
}

/** The folder that a source lies in; null for one that is reached over a network. */
export function localPathOf(source: string): string | null {
  if (source.startsWith("file://")) {
    try {
      return fileURLToPath(source);
    } catch {
      return null;
    }
  }
  return isAbsolute(source) ? source : null;
}

function readNote(path: string): KnownFleet | null {
  try {
    const note: unknown = JSON.parse(withSpare(() => readFileSync(path, "utf8")));
    if (typeof note !== "object" || note === null) return null;
    const { dataDir, origins } = note as Partial<KnownFleet>;
    if (typeof dataDir !== "string" || !Array.isArray(origins)) return null;
    return { dataDir, origins: origins.filter((one) => typeof one === "string") };
  } catch (error) {
    refuseShortage(error, `${path} cannot be read`);
    return null;
  }
}

function notesFolder(): string {
  const state = process.env["XDG_STATE_HOME"];
  const base = state !== undefined && isAbsolute(state) ? state : join(homedir(), ".local", "state");
  return join(base, "ua-factory", "fleets");
}

function namesIn(folder: string): readonly string[] {
  try {
    return withSpare(() => readdirSync(folder))
      .filter((name) => name.endsWith(".json") && !name.startsWith("."))
      .sort();
  } catch (error) {
    refuseShortage(error, `${folder} cannot be read`);
    return [];
  }
}
