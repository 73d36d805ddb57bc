import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../adapters/system/clock.ts";
import { nearest } from "../../documents/suggest.ts";
import type { Call } from "../command.ts";
import { EXIT, usageError } from "../exit.ts";
import { requireFleetDir } from "../place.ts";
import { agentCloneYaml } from "./agent-clone.ts";
import { AGENT_RECIPES, type AgentName, agentNamed } from "./agents.ts";
import { cloneYaml, missionYaml, overlayFiles, overlayYaml } from "./documents.ts";
import { filesIn } from "./fleet-view.ts";
import { baselineOf, cloneNameOn, defaultOverlay, TEAM, workOf } from "./work.ts";
import { writeNew } from "./write.ts";

export interface NewOptions {
  readonly clone?: string;
  readonly overlay?: string;
  readonly objective?: string;
  /** Number of the issue whose answers are taken. */
  readonly fromIssue?: number;
  /** Of the issue's text, where no forge is to be asked. */
  readonly bodyFile?: string;
  readonly source?: string;
  readonly branch: string;
  readonly agent?: string;
}

const KINDS = ["mission", "clone", "overlay"];
const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const CLONE_NAME = /^factory_[a-z0-9](?:[a-z0-9-]*[a-z0-9])?_\d{8}$/;
/** `--agent command`. */
const PROGRAM = "command";

/** Adds documents that validate as they are. An existing file is never touched: then nothing is written at all. */
export async function newDocument(
  call: Call<NewOptions>,
  kind: string,
  given: string | undefined,
): Promise<number> {
  const { io, globals, options } = call;
  if (!KINDS.includes(kind)) {
    const meant = nearest(kind, KINDS);
    throw usageError(
      `${JSON.stringify(kind)} is neither mission, clone nor overlay${meant === null ? "" : `; did you mean ${meant}?`}`,
    );
  }
  if (options.fromIssue !== undefined) {
    if (kind !== "mission") throw usageError("--from-issue asks for a mission");
    if (given !== undefined) checkName(given, NAME, "lower-case letters, digits and inner hyphens");
    return (await import("./from-issue.ts")).newFromIssue(call, given);
  }
  if (options.bodyFile !== undefined) throw usageError("--body-file goes with --from-issue <number>");
  if (given === undefined) throw usageError(`a ${kind} needs a name: \`factory new ${kind} <name>\``);
  const name = given;
  const agent = agentOf(options.agent, kind);
  const dir = requireFleetDir(globals);
  const files =
    kind === "overlay"
      ? overlay(dir, name)
      : kind === "clone"
        ? clone(dir, name, { ...options, recipe: agent })
        : mission(dir, name, options);
  const [main = ""] = files.keys();
  if (existsSync(join(dir, main))) throw usageError(`${main} exists already; nothing was written`);
  const { made } = await writeNew(dir, files);
  if (globals.json === true) {
    io.json({ kind, name, directory: dir, made });
    return EXIT.fine;
  }
  for (const path of made) io.out(path);
  io.out("");
  if (agent !== null) {
    const { package: wanted, key } = AGENT_RECIPES[agent];
    io.out(`Where the controller runs: \`npm install -g ${wanted}\`, and the provider's key in ${key}.`);
    io.out(`In fleet.yaml, so that clones may name it: \`secrets: { env: [${key}] }\``);
    io.out(`Then \`factory doctor --agent ${agent}\` tries it here, without a key and without a model.`);
  }
  io.out(`Next: change what needs changing, then \`factory validate\` and \`factory plan\`, and merge it.`);
  return EXIT.fine;
}

/** The mission, and its clone where that is not there yet. */
function mission(dir: string, name: string, options: NewOptions): Map<string, string> {
  checkName(name, NAME, "lower-case letters, digits and inner hyphens");
  const overlayName = options.overlay ?? defaultOverlay(filesIn(dir));
  const work = workOf(filesIn(dir), overlayName, options.objective);
  const cloneName = options.clone ?? cloneNameFor(name);
  checkName(cloneName, CLONE_NAME, "factory_<mission>_<yyyymmdd>");
  const files = new Map([
    [`missions/${name}.yaml`, missionYaml({ name, clone: cloneName, team: TEAM, work })],
  ]);
  const cloneFile = `clones/${cloneName}.yaml`;
  if (!existsSync(join(dir, cloneFile))) {
    files.set(
      cloneFile,
      cloneYaml({
        name: cloneName,
        team: TEAM,
        baseline: baselineOf(filesIn(dir), overlayName),
        overlay: overlayName,
        work,
      }),
    );
  }
  return files;
}

/** `weekly-links` becomes `factory_weekly-links_<today>`; a full name is taken as it is. */
function clone(
  dir: string,
  name: string,
  options: NewOptions & { readonly recipe: AgentName | null },
): Map<string, string> {
  const full = CLONE_NAME.test(name) ? name : cloneNameFor(name);
  if (full !== name) checkName(name, NAME, "the mission's name, or factory_<mission>_<yyyymmdd>");
  if (options.recipe !== null) {
    const overlay = options.overlay ?? null;
    const baseline = baselineOf(filesIn(dir), overlay);
    return new Map([
      [
        `clones/${full}.yaml`,
        agentCloneYaml({ name: full, team: TEAM, baseline, overlay, agent: options.recipe }),
      ],
    ]);
  }
  const overlayName = options.overlay ?? defaultOverlay(filesIn(dir));
  const work = workOf(filesIn(dir), overlayName, options.objective);
  const text = cloneYaml({
    name: full,
    team: TEAM,
    baseline: baselineOf(filesIn(dir), overlayName),
    overlay: overlayName,
    work,
  });
  return new Map([[`clones/${full}.yaml`, text]]);
}

/** Null: a program of the overlay. */
function agentOf(name: string | undefined, kind: string): AgentName | null {
  if (name === undefined || name === PROGRAM) return null;
  if (kind !== "clone") throw usageError(`--agent is for a clone; a ${kind} has none`);
  return agentNamed(name, [PROGRAM]);
}

function overlay(dir: string, name: string): Map<string, string> {
  checkName(name, NAME, "lower-case letters, digits and inner hyphens");
  const document = overlayYaml({ name, team: TEAM, baseline: baselineOf(filesIn(dir), null) });
  return new Map([[`overlays/${name}/overlay.yaml`, document], ...overlayFiles(name)]);
}

function cloneNameFor(name: string): string {
  const today = new Date(systemClock().now()).toISOString().slice(0, 10).replaceAll("-", "");
  return cloneNameOn(name, today);
}

function checkName(name: string, pattern: RegExp, expected: string): void {
  if (!pattern.test(name)) throw usageError(`${JSON.stringify(name)} is no name: expected ${expected}`);
}
