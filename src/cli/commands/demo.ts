import { command } from "../command.ts";

export const demo = command({
  usage: "demo",
  summary: "Run the sample fleet on a scratch repository",
  examples: ["factory demo", "factory demo --dir /tmp/demo --json   (--dir: where it leaves everything)"],
  run: async (call) => (await import("../demo/run-demo.ts")).runDemo(call),
});
