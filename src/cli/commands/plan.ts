import { command } from "../command.ts";
import { option } from "../options.ts";
import type { PlanOptions } from "../plan/plan-changes.ts";

export const plan = command<PlanOptions>({
  usage: "plan",
  summary: "Say what a change would start, stop and cost",
  examples: ["factory plan", "factory plan --base origin/main --head HEAD --markdown"],
  options: [
    option("--base <commit>", "what stands (default: what the controller has, else nothing)"),
    option("--head <commit>", "what is proposed (default: the working tree)"),
    option("--markdown", "as a comment for a pull request"),
    option("--detailed-exitcode", "end with 0 when nothing changes, 2 when something does, 1 on any error"),
  ],
  run: async (call) => (await import("../plan/plan-changes.ts")).planChanges(call),
});
