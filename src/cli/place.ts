import { existsSync, readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { FactoryError } from "../core/model/error.ts";

/** Options that every command takes. */
export interface Globals {
  readonly dir?: string;
  readonly data?: string;
  readonly url?: string;
  readonly token?: string;
  readonly json?: boolean;
}

/** The fleet repository: `--dir`, or found upwards from the working directory by its `fleet.yaml`; null when there is none. Rejects `cli/no-fleet` for a `--dir` that is not there. */
export function findFleetDir(globals: Globals): string | null {
  if (globals.dir !== undefined) {
    const dir = resolve(globals.dir);
    if (!isDirectory(dir)) throw new FactoryError("cli/no-fleet", "stall", `${dir} is not a directory`);
    return dir;
  }
  let folder = process.cwd();
  for (;;) {
    if (existsSync(join(folder, "fleet.yaml"))) return folder;
    const parent = dirname(folder);
    if (parent === folder) return null;
    folder = parent;
  }
}

/** Rejects `cli/no-fleet`. */
export function requireFleetDir(globals: Globals): string {
  const dir = findFleetDir(globals);
  if (dir === null) {
    throw new FactoryError(
      "cli/no-fleet",
      "stall",
      "there is no fleet.yaml here or above; name the fleet repository with --dir, or make one with `factory init`",
    );
  }
  return dir;
}

/** `--data`, FACTORY_DATA, else `.factory` in the fleet repository, or here where there is none. */
export function dataDirOf(globals: Globals): string {
  const given = globals.data ?? nonEmpty(process.env["FACTORY_DATA"]);
  if (given !== undefined) return resolve(given);
  return join(findFleetDir(globals) ?? process.cwd(), ".factory");
}

export interface ControllerAddress {
  readonly url: string;
  readonly token: string;
  readonly actor: string;
}

/**
 * Where the controller is and how to talk to it: `--url` and `--token` or their
 * variables, else what the controller has left in its data directory. Rejects
 * `controller/unreachable` when no controller has ever run there.
 */
export function controllerAddress(globals: Globals): ControllerAddress {
  const dataDir = dataDirOf(globals);
  const token =
    globals.token ??
    nonEmpty(process.env["FACTORY_TOKEN"]) ??
    readText(join(dataDir, "operator.token"))?.trim();
  const url = globals.url ?? nonEmpty(process.env["FACTORY_URL"]) ?? announcedUrl(dataDir);
  if (url === null) {
    throw new FactoryError(
      "controller/unreachable",
      "retry",
      `no controller has run on ${dataDir}; start one with \`factory run\`, or name one with --url or --data`,
    );
  }
  return { url, token: token ?? "none", actor: actorName() };
}

function announcedUrl(dataDir: string): string | null {
  const text = readText(join(dataDir, "controller.json"));
  if (text === null) return null;
  try {
    const { url } = JSON.parse(text) as { url?: unknown };
    return typeof url === "string" ? url : null;
  } catch {
    return null;
  }
}

/** Who acts, as it is recorded. */
export function actorName(): string {
  const given = nonEmpty(process.env["FACTORY_ACTOR"]);
  if (given !== undefined) return given;
  try {
    return userInfo().username;
  } catch {
    return "operator"; // a user without an entry, as in many containers
  }
}

export function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return null;
  }
}

export function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

export function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === "" ? undefined : text;
}
