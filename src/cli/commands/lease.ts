import { command } from "../command.ts";
import { usageError } from "../exit.ts";
import { sourceOptions, statusBranch } from "../options.ts";
import type { LeaseOptions } from "../record/lease-command.ts";

export const lease = command<LeaseOptions, [verb: string | undefined]>({
  usage: "lease [verb]",
  summary: "Show who has the right to act on the repository, or give it back",
  examples: ["factory lease", "factory lease release     (after its controller was ended)"],
  note: "Verbs: show (the default), release.",
  options: [...sourceOptions(), statusBranch()],
  async run(call, verb) {
    const { releaseLease, showLease } = await import("../record/lease-command.ts");
    if (verb === undefined || verb === "show") return showLease(call);
    if (verb === "release") return releaseLease(call);
    throw usageError(`\`factory lease\` knows show and release, not ${verb}`);
  },
});
