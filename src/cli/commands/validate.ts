import { command } from "../command.ts";

export const validate = command<object, [dir: string | undefined]>({
  usage: "validate [dir]",
  summary: "Check every file of the working tree",
  examples: ["factory validate", "factory validate --json | jq .issues"],
  run: async (call, dir) => (await import("../tree/validate-tree.ts")).validateTree(call, dir),
});
