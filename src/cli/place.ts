import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { dirname, join, resolve } from "node:path";
import { FactoryError } from "../core/model/error.ts";

/** Options that every command takes. */
export interface Globals {
  readonly dir?: string;
  readonly data?: string;
  readonly url?: string;
  readonly token?: string;
  readonly access?: string;
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
  /** Owners of its socket that are believed, besides this user and root. */
  readonly owners?: readonly number[];
}

/**
 * Where the controller is and how to talk to it: `--url` and `--token` or their variables, else the access file that
 * somebody was given, else the socket in the data directory of this machine. Rejects `controller/unreachable`
 * when no controller has ever run there.
 *
 * The token of a data directory goes to the controller of that directory alone, wherever else a URL leads.
 */
export function controllerAddress(globals: Globals): ControllerAddress {
  const actor = actorName();
  const given = accessFile(globals);
  const url = globals.url ?? nonEmpty(process.env["FACTORY_URL"]) ?? given?.url;
  const token = globals.token ?? nonEmpty(process.env["FACTORY_TOKEN"]) ?? given?.token;
  const dataDir = dataDirOf(globals);
  const own = announced(dataDir);
  if (url !== undefined && url !== own?.url && url !== own?.network)
    return { url, token: token ?? NO_TOKEN, actor };
  if (own === null) {
    throw new FactoryError(
      "controller/unreachable",
      "retry",
      `no controller has run on ${dataDir}; start one with \`factory run\`, or name one with --url or --data`,
    );
  }
  const file = join(dataDir, "operator.token");
  const kept = readText(file)?.trim();
  return {
    url: url ?? own.url,
    token: token ?? kept ?? NO_TOKEN,
    actor,
    // Whoever gave us the token may have it back.
    ...(token === undefined && kept !== undefined ? { owners: [statSync(file).uid] } : {}),
  };
}

const NO_TOKEN = "none";

/** What `factory token create` writes for somebody on another machine. Rejects `cli/access-file`. */
function accessFile(globals: Globals): { readonly url: string; readonly token: string } | null {
  const file = globals.access ?? nonEmpty(process.env["FACTORY_ACCESS"]);
  if (file === undefined) return null;
  const refuse = (message: string) => new FactoryError("cli/access-file", "stall", `${file} ${message}`);
  const text = readText(file);
  if (text === null) throw refuse("cannot be read");
  const mode = statSync(file).mode & 0o777;
  if ((mode & 0o077) !== 0)
    throw refuse(`holds a token and is open to others (mode ${mode.toString(8)}); chmod 600 ${file}`);
  let read: { readonly url?: unknown; readonly token?: unknown };
  try {
    read = JSON.parse(text);
  } catch {
    throw refuse("is no JSON document");
  }
  const { url, token } = read;
  if (typeof url !== "string" || typeof token !== "string") throw refuse('lacks "url" or "token"');
  return { url, token };
}

/** A controller of an older program said no more than where it listened without proof: it is asked for its socket, and is not there. */
function announced(dataDir: string): { readonly url: string; readonly network?: string } | null {
  const text = readText(join(dataDir, "controller.json"));
  if (text === null) return null;
  try {
    const { url, network } = JSON.parse(text) as { url?: unknown; network?: unknown };
    if (typeof url !== "string") return null;
    return {
      // Not what the file says, but what it lies beside: a copied directory leads to itself.
      url: `unix:${join(realpathSync(dataDir), "controller.sock")}`,
      ...(typeof network === "string" ? { network } : {}),
    };
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
