import { command } from "../command.ts";
import { option } from "../options.ts";

export const init = command<{ name?: string }, [dir: string | undefined]>({
  usage: "init [dir]",
  summary: "Make a new fleet repository",
  examples: ["factory init my-fleet"],
  options: [option("--name <name>", "name of the fleet (default: the folder's)")],
  run: async (call, dir) => (await import("../scaffold/init-fleet.ts")).initFleet(call, dir),
});
