import { command } from "../command.ts";
import { option, sourceOptions, statusBranch } from "../options.ts";
import type { RestoreOptions } from "../record/restore-command.ts";

export const restore = command<RestoreOptions>({
  usage: "restore",
  summary: "Rebuild a lost record from the status branch and what lives",
  examples: ["factory restore         (says what it would do)", "factory restore --yes"],
  options: [...sourceOptions(), statusBranch(), option("--yes", "do it")],
  run: async (call) => (await import("../record/restore-command.ts")).restore(call),
});
