import { command } from "../command.ts";
import { option, sourceOptions, statusBranch } from "../options.ts";
import type { VerifyOptions } from "../record/verify-command.ts";

export const verify = command<VerifyOptions>({
  usage: "verify",
  summary: "Prove that the record is whole",
  examples: ["factory verify", "factory verify --offline --json   (--offline: without the status branch)"],
  options: [...sourceOptions(), statusBranch(), option("--offline", "do not compare with the status branch")],
  run: async (call) => (await import("../record/verify-command.ts")).verify(call),
});
