import { command } from "../command.ts";
import { commit, option } from "../options.ts";

/** Both commits are named, so that no other rewriting slips through. */
export const allowRewrite = command<{ from: string; to: string }>({
  usage: "allow-rewrite",
  summary: "Accept one rewritten history",
  examples: ["factory allow-rewrite --from <old commit> --to <new commit>"],
  options: [
    option("--from <commit>", "the last commit that was accepted, in full")
      .argParser(commit)
      .makeOptionMandatory(),
    option("--to <commit>", "the commit that replaces it, in full").argParser(commit).makeOptionMandatory(),
  ],
  run: async ({ controller, options: { from, to } }) =>
    (await controller()).order("allowRewrite", { from, to }),
});
