import { resolve } from "node:path";
import { countIssues, formatIssues, hasErrors } from "../../documents/issue.ts";
import { desiredOf } from "../../reconciler/reviews/fleet-tree.ts";
import type { Call } from "../command.ts";
import { EXIT, usageError } from "../exit.ts";
import { plural } from "../format/words.ts";
import { isDirectory, requireFleetDir } from "../place.ts";
import { useWorkingTree } from "./working-tree.ts";

/**
 * Checks the working tree, committed or not: every problem with its place,
 * in the order of the files. Ends with 1 when there is an error; warnings alone are fine.
 */
export async function validateTree({ io, globals }: Call<object>, dir: string | undefined): Promise<number> {
  const place = dir === undefined ? requireFleetDir(globals) : resolve(dir);
  if (!isDirectory(place)) throw usageError(`${place} is not a directory`);
  io.progress(`reading ${place}`);
  // Ids of missions are not shown here, so the repository's name does not matter.
  const { issues, missions, clones, broken } = await useWorkingTree(place, (tree) =>
    desiredOf(tree, "working-tree"),
  );
  const failed = hasErrors(issues);
  if (globals.json === true) {
    io.json({
      valid: !failed,
      directory: place,
      missions: [...missions.keys()].sort(),
      clones: [...clones.keys()].sort(),
      broken: [...broken].sort(),
      issues,
    });
    return failed ? EXIT.problems : EXIT.fine;
  }
  if (issues.length > 0) io.raw(formatIssues(issues, { color: io.color, width: io.width }));
  const usable = `${plural(missions.size, "mission")}, ${plural(clones.size, "clone")}`;
  if (missions.size + clones.size + issues.length === 0) {
    io.out(`no documents in ${place}: \`factory init\` makes a fleet, \`factory new\` adds to it`);
  } else if (issues.length === 0) io.out(`${usable}: ${countIssues(issues)}`);
  else io.out(`usable as it is: ${usable}`);
  return failed ? EXIT.problems : EXIT.fine;
}
