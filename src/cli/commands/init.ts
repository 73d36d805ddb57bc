import { command } from "../command.ts";
import { option } from "../options.ts";
import type { InitOptions } from "../scaffold/init-fleet.ts";

export const init = command<InitOptions, [dir: string | undefined]>({
  usage: "init [dir]",
  summary: "Make a new fleet repository",
  examples: [
    "factory init my-fleet",
    "factory init --approvals forge --repository acme/fleet",
    "factory init --program acme/factory@<commit>",
  ],
  options: [
    option("--name <name>", "name of the fleet (default: the folder's)"),
    option("--approvals <mode>", "who has to approve before a mission starts").choices([
      "forge",
      "signatures",
      "none",
    ]),
    option("--forge <forge>", "where people review (default: as the remote's address says)").choices([
      "github",
      "gitlab",
      "forgejo",
    ]),
    option("--repository <name>", "owner/name of the fleet there (default: the remote's)"),
    option(
      "--program <source>",
      "what pipelines run: <owner>/<name>@<commit>, or an https address @<commit>",
    ),
  ],
  run: async (call, dir) => (await import("../scaffold/init-fleet.ts")).initFleet(call, dir),
});
