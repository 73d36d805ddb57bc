/** Where attacks of one user are played: folders, servers that can be asked, and the fleets that the attacks share. */
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { probeMachine } from "../../src/adapters/drivers/process/capabilities.ts";
import type { DriverCapabilities } from "../../src/ports/driver.ts";
import { CORE_PATTERN, type Guard, openGuard } from "../support/guard.ts";
import { until } from "../support/until.ts";
import type { Level } from "./attack.ts";
import { type Fleet, type FleetOptions, openFleet } from "./fleet.ts";

export interface Field {
  readonly user: "root" | "ordinary";
  /** A folder of this user, in which there is everything but what has to lie elsewhere. */
  readonly base: string;
  readonly home: string;
  /** The temporary folder of the controllers, of this user alone. */
  readonly tmp: string;
  readonly guard: Guard;
  readonly machine: DriverCapabilities;
  readonly servers: Servers;
  /** In the home of the user who runs the controllers, and no agent's business. */
  readonly key: string;
  /** What is left open by whoever starts a controller. */
  readonly leaked: string;
  /** A word that no process has among its arguments but one that is given it. */
  mark(): string;
  /** The one that attacks share, made when it is first asked for. */
  fleet(level: Level): Promise<Fleet>;
  /** One of an attack's own, of this name; made once. `like`: contained as at that level. */
  own(name: string, options?: FleetOptions & { readonly like?: Level }): Promise<Fleet>;
  /** Why nothing can be tried at that level here; null: it can. */
  lacks(level: Level): string | null;
  close(): Promise<void>;
}

/** Each starts a program for whoever asks. */
export interface Servers {
  readonly tmp: string;
  readonly run: string;
  readonly abstract: string;
  readonly port: string;
}

const SERVER = fileURLToPath(new URL("../support/runs-what-it-is-told.js", import.meta.url));
/** Node closes the first sixteen that it inherits. */
const LEAKED_FD = 200;
/** Values of the controller's environment that are nobody's business, by name. */
export const KEPT_VARIABLES = {
  FACTORY_GIT_TOKEN: "kept-git-token-0b1c2d",
  SOMEBODYS_KEY: "kept-key-3e4f5a6b",
} as const;

export async function openField(base: string): Promise<Field> {
  const root = process.getuid?.() === 0;
  const tag = randomBytes(4).toString("hex");
  const scratch = mkdtempSync("/tmp/factory-attack-");
  const run = runtimeFolder();
  const settings = root ? [CORE_PATTERN] : [];
  const guard = await openGuard({ settings, folders: [base, scratch, run], marks: [`mark-${tag}`] });
  const home = join(base, "home");
  const key = keyIn(home);
  const server = await startServers([
    join(scratch, "s.sock"),
    join(run, "s.sock"),
    `@factory-attack-${tag}`,
    "port:",
  ]);
  const [tmp = "", runSocket = "", abstract = "", port = ""] = server.places;
  const leaked = join(base, "leaked");
  const machine = (await probeMachine(tag, "auto")).capabilities;
  const fleets = new Map<string, Promise<Fleet>>();
  let marks = 0;

  const environment = {
    ...KEPT_VARIABLES,
    HOME: home,
    TMPDIR: scratch,
    ...(process.env["XDG_RUNTIME_DIR"] === undefined
      ? {}
      : { XDG_RUNTIME_DIR: process.env["XDG_RUNTIME_DIR"] }),
  };

  function open(name: string, options: FleetOptions = {}): Promise<Fleet> {
    const folder = join(base, name);
    mkdirSync(folder, { recursive: true });
    const env = { ...environment, ...options.env };
    const through = ["bash", "-c", `exec ${LEAKED_FD}>>"$0"; exec "$@"`, leaked];
    const made = openFleet(folder, { through, ...options, env });
    fleets.set(name, made);
    return made;
  }

  return {
    user: root ? "root" : "ordinary",
    base,
    home,
    tmp: scratch,
    guard,
    machine,
    servers: { tmp, run: runSocket, abstract, port: `port:${port.slice("port:".length)}` },
    key,
    leaked,
    mark: () => `mark-${tag}${(marks++).toString(16).padStart(8, "0")}`,
    fleet: (level) => fleets.get(level) ?? open(level, optionsOf(level, base)),
    own(name, { like = "shut", ...options } = {}) {
      const common = optionsOf(like, base);
      const env = { ...common.env, ...options.env };
      return fleets.get(name) ?? open(name, { ...common, ...options, env });
    },
    lacks: (level) => (level === "shut" && machine.sandboxed !== true ? lackOf(machine) : null),
    async close() {
      for (const fleet of await Promise.allSettled(fleets.values()))
        if (fleet.status === "fulfilled") await fleet.value.close();
      server.child.stdin?.end();
      await guard.end();
    },
  };
}

function optionsOf(level: Level, base: string): FleetOptions {
  if (level === "shut") return {};
  if (level === "bare") return { env: { PATH: withoutBubblewrap(join(base, "programs")) } };
  return { args: ["--containment", "group"], fleet: { allowGroup: true }, isolation: "group" };
}

function lackOf(machine: DriverCapabilities): string {
  return machine.notes.find((note) => note.includes("bubblewrap")) ?? "bubblewrap cannot be had here";
}

/** A folder with every program of the PATH but that one. */
function withoutBubblewrap(folder: string): string {
  if (existsSync(folder)) return folder;
  mkdirSync(folder);
  for (const place of (process.env["PATH"] ?? "").split(delimiter)) {
    if (!existsSync(place)) continue;
    for (const name of readdirSync(place)) {
      if (name === "bwrap" || existsSync(join(folder, name))) continue;
      try {
        symlinkSync(join(place, name), join(folder, name));
      } catch {
        // A link that leads nowhere, there already.
      }
    }
  }
  return folder;
}

function keyIn(home: string): string {
  const file = join(home, ".ssh/id_ed25519");
  mkdirSync(join(home, ".ssh"), { recursive: true, mode: 0o700 });
  writeFileSync(file, "a person's key\n", { mode: 0o600 });
  return file;
}

/** Where sockets of a person's services lie; in /var/tmp for a user without such a place. */
function runtimeFolder(): string {
  for (const place of [process.env["XDG_RUNTIME_DIR"], "/run"]) {
    try {
      if (place !== undefined) return mkdtempSync(join(place, "factory-attack-"));
    } catch {
      // The next one.
    }
  }
  return mkdtempSync("/var/tmp/factory-attack-");
}

async function startServers(
  places: readonly string[],
): Promise<{ readonly child: ChildProcess; readonly places: readonly string[] }> {
  const child = spawn(process.execPath, [SERVER, ...places], { stdio: ["pipe", "pipe", "inherit"] });
  let text = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    text += chunk.toString("utf8");
  });
  await until(() => text.split("\n").length > places.length, "servers that start what they are told");
  const said = text.split("\n");
  return {
    child,
    places: places.map(
      (place) =>
        said.find((line) => line === place || (place === "port:" && line.startsWith(place))) ?? place,
    ),
  };
}
