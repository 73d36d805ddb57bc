/** The files of a pull request in which a closure is decided: what its merge says. Comments and layout stay. */
import type { Choice } from "../../core/closures/choice.ts";
import type { ClosedMission } from "../../core/model/clone-state.ts";
import { FactoryError } from "../../core/model/error.ts";
import { setInYaml } from "../../documents/edit.ts";

/** What `metadata` of a promoted overlay says. */
const LABEL = "factory-template";

export interface ClosureFilesAsked {
  readonly clone: string;
  readonly closed: ClosedMission;
  readonly choice: Choice;
}

/** Paths whose texts `closureFiles` needs. */
export function closurePaths({ clone, closed, choice }: ClosureFilesAsked): readonly string[] {
  return [cloneFile(clone), ...(choice === "template" ? overlayFiles(closed) : [])];
}

/** Whole texts by path, from those that stand. Throws `closure/no-file` (`stall`) where one is missing, `edit/not-yaml` where one cannot be read. */
export function closureFiles(
  asked: ClosureFilesAsked,
  texts: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const { clone, closed, choice } = asked;
  const text = (path: string): string => {
    const found = texts.get(path);
    if (found !== undefined) return found;
    throw new FactoryError("closure/no-file", "stall", `${path} is no longer in the repository`);
  };
  const own = cloneFile(clone);
  if (choice === "retire") return new Map([[own, setInYaml(text(own), ["spec", "state"], "retired")]]);
  const files = new Map([[own, withDecision(text(own), closed, choice)]]);
  if (choice === "template")
    for (const path of overlayFiles(closed)) files.set(path, asTemplate(text(path), closed));
  return files;
}

function withDecision(text: string, { name, run }: ClosedMission, decision: Choice): string {
  const at = ["spec", "closure_decision"];
  return Object.entries({ mission: name, run, decision }).reduce(
    (edited, [field, value]) => setInYaml(edited, [...at, field], value),
    text,
  );
}

/** A label with the mission that proved it, and the digest of the clone that did the work. */
export function asTemplate(text: string, { name, doneWith }: ClosedMission): string {
  const labelled = setInYaml(text, ["metadata", "labels", LABEL], name);
  return setInYaml(labelled, ["metadata", "annotations", `${LABEL}-digest`], doneWith.digest);
}

function cloneFile(clone: string): string {
  return `clones/${clone}.yaml`;
}

export function overlayFiles({ doneWith }: ClosedMission): readonly string[] {
  return doneWith.overlays.map((overlay) => `overlays/${overlay}/overlay.yaml`);
}
