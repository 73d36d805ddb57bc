import { command } from "../command.ts";
import { option, sourceOptions, statusBranch } from "../options.ts";
import type { RestoreOptions } from "../record/restore-command.ts";

export const restore = command<RestoreOptions>({
  usage: "restore",
  summary: "Rebuild a lost record from the status branch and what lives",
  examples: [
    "factory restore         (says what it would do)",
    "factory restore --yes",
    "factory restore --yes --gone factory-1a2b3c4d",
  ],
  options: [
    ...sourceOptions(),
    statusBranch(),
    option("--yes", "do it"),
    option("--gone <installation>", "you know that it and all it started are off"),
    option("--trust <fingerprint>", "you know the key that signed what is published"),
  ],
  run: async (call) => (await import("../record/restore-command.ts")).restore(call),
});
