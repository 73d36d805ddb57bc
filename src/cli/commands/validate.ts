import { command } from "../command.ts";
import { ANNOTATION_FORMATS } from "../format/annotations.ts";
import { option } from "../options.ts";
import type { ValidateOptions } from "../tree/validate-tree.ts";

export const validate = command<ValidateOptions, [dir: string | undefined]>({
  usage: "validate [dir]",
  summary: "Check every file of the working tree",
  examples: [
    "factory validate",
    "factory validate --json | jq .issues",
    "factory validate --head origin/weekly-links",
  ],
  options: [
    option("--head <commit>", "a commit instead of the working tree; nothing is checked out"),
    option("--annotations <format>", "for a pipeline: workflow commands, or a Code Quality report").choices(
      ANNOTATION_FORMATS,
    ),
  ],
  run: async (call, dir) => (await import("../tree/validate-tree.ts")).validateTree(call, dir),
});
