import { command } from "../command.ts";
import { option, pollInterval, port } from "../options.ts";
import type { RunOptions } from "../run/run-controller.ts";

export const run = command<RunOptions>({
  usage: "run",
  summary: "Run the controller",
  examples: [
    "factory run",
    "factory run --source git@example.com:team/fleet.git --poll 15s",
    "factory run --once",
  ],
  options: [
    option(
      "--source <url>",
      "the fleet's repository (default: the remote `origin`, else --dir; FACTORY_SOURCE)",
    ),
    option("--branch <branch>", "the branch that is obeyed").default("main"),
    option("--poll <duration>", "between two looks at it, e.g. 500ms, 30s, 5m").argParser(pollInterval),
    option("--cron <expression>", "look on this schedule instead"),
    option("--once", "one look, carry out what it asks for, end"),
    option("--until-closed", "end when every mission is closed"),
    option("--host <address>", "listen on a port of this address, besides the socket in --data"),
    option("--port <port>", "listen on this port (default: that of last time)").argParser(port),
    option("--tls-cert <file>", "prove itself there by this certificate (default: one of its own)"),
    option("--tls-key <file>", "the key of that certificate"),
    option("--callback <way>", "how clones of this machine report (default: socket)").choices([
      "socket",
      "network",
    ]),
    option("--installation <name>", "name of this installation, at its first start"),
    option("--fresh", "begin a new record, and give up what the status branch knows"),
    option("--containment <kind>", "take this alone (default: the best there is)").choices([
      "cgroup",
      "pidns",
      "group",
    ]),
    option("--log-level <level>", "what is logged")
      .choices(["debug", "info", "warn", "error"])
      .default("info"),
    option("--log-json", "log as JSON lines"),
  ],
  run: async (call) => (await import("../run/run-controller.ts")).runController(call),
});
