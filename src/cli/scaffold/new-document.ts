import { existsSync } from "node:fs";
import { join } from "node:path";
import { systemClock } from "../../adapters/system/clock.ts";
import { nearest } from "../../documents/suggest.ts";
import type { Call } from "../command.ts";
import { EXIT, usageError } from "../exit.ts";
import { requireFleetDir } from "../place.ts";
import { cloneYaml, missionYaml, overlayFiles, overlayYaml } from "./documents.ts";
import { baselineOf, overlayNames, STARTER, workOf } from "./work.ts";
import { writeNew } from "./write.ts";

export interface NewOptions {
  readonly clone?: string;
  readonly overlay?: string;
  readonly objective?: string;
}

const KINDS = ["mission", "clone", "overlay"];
const NAME = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/;
const CLONE_NAME = /^factory_[a-z0-9](?:[a-z0-9-]*[a-z0-9])?_\d{8}$/;
const TEAM = "operators";

/** Adds documents that validate as they are. An existing file is never touched: then nothing is written at all. */
export async function newDocument(
  { io, globals, options }: Call<NewOptions>,
  kind: string,
  name: string,
): Promise<number> {
  if (!KINDS.includes(kind)) {
    const meant = nearest(kind, KINDS);
    throw usageError(
      `${JSON.stringify(kind)} is neither mission, clone nor overlay${meant === null ? "" : `; did you mean ${meant}?`}`,
    );
  }
  const dir = requireFleetDir(globals);
  const files =
    kind === "overlay"
      ? overlay(dir, name)
      : kind === "clone"
        ? clone(dir, name, options)
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
  io.out(`Next: change what needs changing, then \`factory validate\` and \`factory plan\`, and merge it.`);
  return EXIT.fine;
}

/** The mission, and its clone where that is not there yet. */
function mission(dir: string, name: string, options: NewOptions): Map<string, string> {
  checkName(name, NAME, "lower-case letters, digits and inner hyphens");
  const overlayName = options.overlay ?? defaultOverlay(dir);
  const work = workOf(dir, overlayName, options.objective);
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
        baseline: baselineOf(dir, overlayName),
        overlay: overlayName,
        work,
      }),
    );
  }
  return files;
}

/** `weekly-links` becomes `factory_weekly-links_<today>`; a full name is taken as it is. */
function clone(dir: string, name: string, options: NewOptions): Map<string, string> {
  const full = CLONE_NAME.test(name) ? name : cloneNameFor(name);
  if (full !== name) checkName(name, NAME, "the mission's name, or factory_<mission>_<yyyymmdd>");
  const overlayName = options.overlay ?? defaultOverlay(dir);
  const work = workOf(dir, overlayName, options.objective);
  const text = cloneYaml({
    name: full,
    team: TEAM,
    baseline: baselineOf(dir, overlayName),
    overlay: overlayName,
    work,
  });
  return new Map([[`clones/${full}.yaml`, text]]);
}

function overlay(dir: string, name: string): Map<string, string> {
  checkName(name, NAME, "lower-case letters, digits and inner hyphens");
  const document = overlayYaml({ name, team: TEAM, baseline: baselineOf(dir, null) });
  return new Map([[`overlays/${name}/overlay.yaml`, document], ...overlayFiles(name)]);
}

function defaultOverlay(dir: string): string {
  const names = overlayNames(dir);
  if (names.includes(STARTER)) return STARTER;
  const [only] = names;
  if (names.length === 1 && only !== undefined) return only;
  throw usageError(
    names.length === 0
      ? "there is no overlay yet; `factory new overlay <name>` makes one"
      : `there are several overlays; name one with --overlay: ${names.join(", ")}`,
  );
}

function cloneNameFor(name: string): string {
  const today = new Date(systemClock().now()).toISOString().slice(0, 10).replaceAll("-", "");
  return `factory_${name}_${today}`;
}

function checkName(name: string, pattern: RegExp, expected: string): void {
  if (!pattern.test(name)) throw usageError(`${JSON.stringify(name)} is no name: expected ${expected}`);
}
