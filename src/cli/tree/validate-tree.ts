import { resolve } from "node:path";
import type { DesiredState } from "../../core/model/desired.ts";
import { problemsOf } from "../../core/reviews/check.ts";
import { countIssues, formatIssues, hasErrors, sortIssues } from "../../documents/issue.ts";
import { desiredOf, type FleetTree } from "../../reconciler/reviews/fleet-tree.ts";
import type { Call } from "../command.ts";
import { EXIT, usageError } from "../exit.ts";
import { type AnnotationFormat, annotationsText } from "../format/annotations.ts";
import { plural } from "../format/words.ts";
import type { Io } from "../io.ts";
import { isDirectory, requireFleetDir } from "../place.ts";
import { readCommitTree } from "./commit-tree.ts";
import { useWorkingTree } from "./working-tree.ts";

export interface ValidateOptions {
  readonly head?: string;
  readonly annotations?: AnnotationFormat;
}

/**
 * Checks the working tree, committed or not, or a commit of which nothing is checked out: every problem with its place,
 * in the order of the files. Ends with 1 when there is an error; warnings alone are fine.
 */
export async function validateTree(
  { io, globals, options }: Call<ValidateOptions>,
  dir: string | undefined,
): Promise<number> {
  const place = dir === undefined ? requireFleetDir(globals) : resolve(dir);
  if (!isDirectory(place)) throw usageError(`${place} is not a directory`);
  const { head, annotations } = options;
  io.progress(`reading ${place}`);
  // Ids of missions are not shown here, so the repository's name does not matter.
  const read = (tree: FleetTree) => desiredOf(tree, "working-tree");
  const desired =
    head === undefined ? await useWorkingTree(place, read) : await read(await readCommitTree(place, head));
  const { issues, missions, clones, broken } = desired;
  const failed = hasErrors(issues);
  if (annotations !== undefined) io.raw(annotationsText(problemsOf(sortIssues(issues)), annotations));
  else if (globals.json === true) {
    io.json({
      valid: !failed,
      directory: place,
      ...(head === undefined ? {} : { head }),
      missions: [...missions.keys()].sort(),
      clones: [...clones.keys()].sort(),
      broken: [...broken].sort(),
      issues,
    });
  } else say(io, desired, place);
  return failed ? EXIT.problems : EXIT.fine;
}

function say(io: Io, { issues, missions, clones }: DesiredState, place: string): void {
  if (issues.length > 0) io.raw(formatIssues(issues, { color: io.color, width: io.width }));
  const usable = `${plural(missions.size, "mission")}, ${plural(clones.size, "clone")}`;
  if (missions.size + clones.size + issues.length === 0) {
    io.out(`no documents in ${place}: \`factory init\` makes a fleet, \`factory new\` adds to it`);
  } else if (issues.length === 0) io.out(`${usable}: ${countIssues(issues)}`);
  else io.out(`usable as it is: ${usable}`);
}
