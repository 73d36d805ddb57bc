import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";
import type { DecideOptions } from "./commands/decide.ts";
import type { DrillOptions } from "./commands/drill.ts";
import type { KillOptions } from "./commands/kill.ts";
import type { SwitchOptions } from "./commands/kill-switch.ts";
import type { RestoreOptions } from "./commands/restore.ts";
import type { VerifyOptions } from "./commands/verify.ts";
import type { Io } from "./io.ts";
import type { Globals } from "./place.ts";

/**
 * Every command with its arguments, options and an example. Only what is
 * called gets loaded: `factory --help` has to be there at once.
 */
export function createProgram(io: Io, outcome: { exitCode: number }): Command {
  const program = new Command("factory");
  program
    .description("GitOps control plane for fleets of autonomous agents.")
    .version(version(), "-V, --version", "print the version")
    .option("--dir <dir>", "the fleet repository (default: found upwards by its fleet.yaml)")
    .option("--data <dir>", "what the controller remembers (default: <dir>/.factory; FACTORY_DATA)")
    .option("--url <url>", "a controller elsewhere (FACTORY_URL)")
    .option("--token <token>", "its operator token (better: FACTORY_TOKEN)")
    .option("--json", "one JSON document instead of text")
    .option("--no-color", "no colours (also: NO_COLOR)")
    .configureHelp({
      showGlobalOptions: false,
      helpWidth: io.width,
      sortSubcommands: false,
      subcommandTerm: termOf,
    })
    .configureOutput({
      writeOut: (text) => io.raw(text),
      writeErr: (text) => io.err(text.trimEnd()),
      outputError: (text, write) => write(text),
    })
    .exitOverride()
    .showSuggestionAfterError(true)
    .showHelpAfterError("Run `factory --help` for the commands, `factory <command> --help` for one of them.")
    .addHelpText("after", GUIDE);

  function add(spec: string, summary: string, example: string): Command {
    return program
      .command(spec)
      .summary(summary)
      .description(`${summary}.`)
      .helpOption("-h, --help", "this help")
      .configureHelp({ helpWidth: io.width, showGlobalOptions: true })
      .addHelpText("after", `\n${example.includes("\n") ? "Examples" : "Example"}:\n${indent(example)}`);
  }

  /** Runs what the command's file exports, once the command is known to be the one. */
  function runs<Options, Args extends readonly unknown[]>(
    command: Command,
    run: (call: Call<Options>, ...args: Args) => Promise<number>,
  ): void {
    command.action(async (...given: unknown[]) => {
      const self = given.at(-1) as Command;
      const args = given.slice(0, -2) as unknown as Args;
      const globals = program.opts<Globals>();
      outcome.exitCode = await run(
        { io, globals, options: self.opts<Options & object>() as Options },
        ...args,
      );
    });
  }

  program.commandsGroup("Write a fleet:");
  runs(
    add("init [dir]", "Make a new fleet repository", "factory init my-fleet").option(
      "--name <name>",
      "name of the fleet (default: the folder's)",
    ),
    async (call: Call<{ name?: string }>, dir: string | undefined) =>
      (await import("./commands/init.ts")).init(call, dir),
  );
  runs(
    add(
      "new <kind> <name>",
      "Add a mission, a clone or an overlay",
      "factory new mission weekly-links\nfactory new clone weekly-links\nfactory new overlay careful-reader",
    )
      .addOption(new Option("--clone <clone>", "mission: the clone that does it (default: a new one)"))
      .addOption(new Option("--overlay <overlay>", "clone, mission: the overlay of a new clone"))
      .addOption(new Option("--objective <text>", "mission: what it is to achieve")),
    async (
      call: Call<{ clone?: string; overlay?: string; objective?: string }>,
      kind: string,
      name: string,
    ) => (await import("./commands/new.ts")).newDocument(call, kind, name),
  );
  runs(
    add(
      "validate [dir]",
      "Check every file of the working tree",
      "factory validate\nfactory validate --json | jq .issues",
    ),
    async (call: Call<object>, dir: string | undefined) =>
      (await import("./commands/validate.ts")).validate(call, dir),
  );
  runs(
    add(
      "plan",
      "Say what a change would start, stop and cost",
      "factory plan\nfactory plan --base origin/main --head HEAD --markdown",
    )
      .option("--base <commit>", "what stands (default: what the controller has, else nothing)")
      .option("--head <commit>", "what is proposed (default: the working tree)")
      .option("--markdown", "as a comment for a pull request"),
    async (call: Call<{ base?: string; head?: string; markdown?: boolean }>) =>
      (await import("./commands/plan.ts")).planCommand(call),
  );

  program.commandsGroup("Run it:");
  runs(
    add(
      "run",
      "Run the controller",
      "factory run\nfactory run --source git@example.com:team/fleet.git --poll 15s\nfactory run --once",
    )
      .option(
        "--source <url>",
        "the fleet's repository (default: the remote `origin`, else --dir; FACTORY_SOURCE)",
      )
      .option("--branch <branch>", "the branch that is obeyed", "main")
      .option("--poll <duration>", "between two looks at it, e.g. 500ms, 30s, 5m", duration)
      .option("--cron <expression>", "look on this schedule instead")
      .option("--once", "one look, carry out what it asks for, end")
      .option("--until-closed", "end when every mission is closed")
      .option("--host <address>", "listen here", "127.0.0.1")
      .option("--port <port>", "listen on this port (default: that of last time)", port)
      .option("--installation <name>", "name of this installation, at its first start")
      .option("--fresh", "begin a new record, and give up what the status branch knows")
      .addOption(
        new Option("--containment <kind>", "take this alone (default: the best there is)").choices([
          "cgroup",
          "pidns",
          "group",
        ]),
      )
      .addOption(
        new Option("--log-level <level>", "what is logged")
          .choices(["debug", "info", "warn", "error"])
          .default("info"),
      )
      .option("--log-json", "log as JSON lines"),
    async (call: Call<RunOptions>) => (await import("./commands/run.ts")).run(call),
  );
  runs(
    add("doctor", "Check whether this machine can run a fleet", "factory doctor")
      .option("--source <url>", "the fleet's repository (default: as `factory run`)")
      .option("--branch <branch>", "the branch that is obeyed", "main"),
    async (call: Call<{ source?: string; branch: string }>) =>
      (await import("./commands/doctor.ts")).doctor(call),
  );
  runs(
    add(
      "demo",
      "Run the sample fleet on a scratch repository",
      "factory demo\nfactory demo --dir /tmp/demo --json   (--dir: where it leaves everything)",
    ),
    async (call: Call<object>) => (await import("./commands/demo.ts")).demo(call),
  );

  program.commandsGroup("Look:");
  runs(
    add(
      "status [name]",
      "Show the fleet, a mission or a clone",
      "factory status\nfactory status license-audit --watch",
    ).option("-w, --watch", "go on showing changes"),
    async (call: Call<{ watch?: boolean }>, name: string | undefined) =>
      (await import("./commands/status.ts")).status(call, name),
  );
  runs(
    add("why <name>", "Explain why it runs or does not", "factory why license-audit"),
    async (call: Call<object>, name: string) => (await import("./commands/why.ts")).why(call, name),
  );
  runs(
    add(
      "events [name]",
      "List what happened to it, or to the fleet as a whole, and who did it",
      "factory events license-audit --last 20\nfactory events --fleet",
    )
      .option("--fleet", "the kill switch, guardrails, rollouts, drills, removals and destinations")
      .option("--last <n>", "the newest n", count, 50)
      .option("-f, --follow", "go on with new ones"),
    async (call: Call<{ last: number; follow?: boolean; fleet?: boolean }>, name: string | undefined) =>
      (await import("./commands/events.ts")).events(call, name),
  );
  runs(
    add(
      "actions <name>",
      "List what its agent did outside, each thing once",
      "factory actions license-audit\nfactory actions license-audit --json | jq .actions[].state",
    ).option("--last <n>", "the newest n", count, 200),
    async (call: Call<{ last: number }>, name: string) =>
      (await import("./commands/actions.ts")).actions(call, name),
  );
  runs(
    add("logs <name>", "Show what its agent printed", "factory logs license-audit --follow")
      .option("-f, --follow", "go on with new lines")
      .option("--bytes <n>", "at most the last n bytes", count, 65_536),
    async (call: Call<{ follow?: boolean; bytes: number }>, name: string) =>
      (await import("./commands/logs.ts")).logs(call, name),
  );
  runs(
    add(
      "inbox [id]",
      "List what waits for a person, or show one item whole",
      "factory inbox\nfactory inbox license-audit.budget.1",
    ),
    async (call: Call<object>, id: string | undefined) =>
      (await import("./commands/inbox.ts")).inbox(call, id),
  );

  program.commandsGroup("Look at the whole fleet:");
  runs(
    add(
      "scorecard [name]",
      "Show the scorecards of closed missions, and where they are going",
      "factory scorecard --since 30d\nfactory scorecard license-audit",
    ).option("--since <duration>", "how far back, e.g. 12h, 30d", "30d"),
    async (call: Call<{ since: string }>, name: string | undefined) =>
      (await import("./commands/scorecard.ts")).scorecard(call, name),
  );
  runs(
    add("rollouts", "Show how far changed overlays and baselines have come", "factory rollouts"),
    async (call: Call<object>) => (await import("./commands/rollouts.ts")).rollouts(call),
  );
  runs(
    add("guardrails", "Show what the fleet measures against its guardrails", "factory guardrails"),
    async (call: Call<object>) => (await import("./commands/guardrails.ts")).guardrails(call),
  );

  program.commandsGroup("Decide:");
  runs(
    add(
      "decide <request>",
      "Answer an open question of the inbox",
      [
        "factory decide license-audit.budget.1 --raise max_cost_usd=8",
        "factory decide license-audit.budget.1 --stop",
        "factory decide license-audit.approval.2 --approve",
      ].join("\n"),
    )
      .addOption(
        new Option("--raise <limit=number>", "a higher limit; may be given more than once").argParser(
          (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
        ),
      )
      .option("--stop", "end the mission")
      .option("--approve", "let the action be done, and nothing else")
      .option("--deny", "do not let it be done; the mission goes on without")
      .option("--go-on", "lift the hold as things are")
      .option("--reason <text>", "is recorded", ""),
    async (call: Call<DecideOptions>, id: string) => (await import("./commands/decide.ts")).decide(call, id),
  );
  runs(
    add("ack <request>", "Say that you look into an open question", "factory ack license-audit.budget.1"),
    async (call: Call<object>, id: string) => (await import("./commands/decide.ts")).ack(call, id),
  );
  for (const [verb, summary] of [
    ["pause", "Pause a mission; its agent is frozen, not ended"],
    ["resume", "Clear the holds that a person may clear"],
  ] as const) {
    const example = `factory ${verb} license-audit --reason "waiting for legal"`;
    const until = verb === "pause";
    const command = add(
      `${verb} <name>`,
      summary,
      until ? `${example}\nfactory pause license-audit --until 2h` : example,
    ).option("--reason <text>", "is recorded", "");
    if (until) command.option("--until <when>", "goes on by itself: 45m, 2h, or a time with offset", moment);
    runs(command, async (call: Call<{ reason: string; until?: Moment }>, name: string) =>
      (await import("./commands/hold.ts")).hold(call, verb, name),
    );
  }
  runs(
    add(
      "answer <name> <text>",
      "Tell the agent of a mission something",
      'factory answer license-audit "the token is in REGISTRY_TOKEN now"',
    ),
    async (call: Call<object>, name: string, text: string) =>
      (await import("./commands/answer.ts")).answer(call, name, text),
  );
  runs(
    add(
      "release <name>",
      "Let a lane go on that one of its actions has frozen",
      'factory actions license-audit\nfactory release license-audit --reason "the mail went out once"',
    ).option("--reason <text>", "is recorded", ""),
    async (call: Call<{ reason: string }>, name: string) =>
      (await import("./commands/release.ts")).release(call, name),
  );
  runs(
    add(
      "closure <name>",
      "Show a closure report, or decide about the clone",
      "factory closure license-audit --decide retire",
    )
      .addOption(
        new Option("--decide <decision>", "what becomes of the clone").choices([
          "retire",
          "standby",
          "template",
        ]),
      )
      .option("--reason <text>", "is recorded", ""),
    async (call: Call<{ decide?: "retire" | "standby" | "template"; reason: string }>, name: string) =>
      (await import("./commands/closure.ts")).closure(call, name),
  );
  runs(
    add(
      "review <name>",
      "Judge the criteria of a closed mission that only people can judge",
      'factory review license-audit\nfactory review license-audit --met readable --note "read it in four minutes"',
    )
      .option("--met <ids>", "criteria that are met, separated by commas")
      .option("--unmet <ids>", "criteria that are not met")
      .option("--note <text>", "is kept with the word", ""),
    async (call: Call<{ met?: string; unmet?: string; note: string }>, name: string) =>
      (await import("./commands/review.ts")).review(call, name),
  );

  program.commandsGroup("Stop, whatever else is wrong:");
  runs(
    add(
      "kill [name]",
      "End a mission, a label or the fleet, with proof of death",
      'factory kill license-audit\nfactory kill --now license-audit\nfactory kill --label team=platform\nfactory kill --all --reason "they all spend"',
    )
      .option("--all", "engage the kill switch for the whole fleet")
      .option("--label <key=value>", "engage it for every mission with this label")
      .option("--now", "skip the polite rungs of the ladder")
      .option("--reason <text>", "is recorded", ""),
    async (call: Call<KillOptions>, name: string | undefined) =>
      (await import("./commands/kill.ts")).kill(call, name),
  );
  runs(
    add(
      "drill <what> [clone]",
      "Prove that a kill ends everything, on an instance of its own",
      "factory drill kill factory_license-audit_20261123\nfactory drill kill --all-canaries --now",
    )
      .option("--all-canaries", 'every clone with the label canary: "true"')
      .option("--now", "enter at SIGKILL, not at SIGTERM"),
    async (call: Call<DrillOptions>, what: string, name: string | undefined) =>
      (await import("./commands/drill.ts")).drill(call, what, name),
  );
  runs(
    add("drills", "List the drills so far, with time to death and proof", "factory drills"),
    async (call: Call<object>) => (await import("./commands/drill.ts")).listDrills(call),
  );
  runs(
    add(
      "kill-switch <verb> [name]",
      "Show or release the kill switch: status, release",
      'factory kill-switch status\nfactory kill-switch release --all --reason "limits are in place"',
    )
      .option("--all", "release: everything that people engaged")
      .option("--label <key=value>", "release: this label")
      .option("--reason <text>", "is recorded", ""),
    async (call: Call<SwitchOptions>, verb: string, name: string | undefined) =>
      (await import("./commands/kill-switch.ts")).killSwitch(call, verb, name),
  );

  program.commandsGroup("Keep it going:");
  runs(
    add(
      "verify",
      "Prove that the record is whole",
      "factory verify\nfactory verify --offline --json   (--offline: without the status branch)",
    )
      .option("--source <url>", "the fleet's repository (default: as `factory run`)")
      .option("--branch <branch>", "the branch that is obeyed", "main")
      .option("--status-branch <branch>", "where status is published (default: as fleet.yaml says)")
      .option("--offline", "do not compare with the status branch"),
    async (call: Call<VerifyOptions>) => (await import("./commands/verify.ts")).verify(call),
  );
  runs(
    add(
      "restore",
      "Rebuild a lost record from the status branch and what lives",
      "factory restore         (says what it would do)\nfactory restore --yes",
    )
      .option("--source <url>", "the fleet's repository (default: as `factory run`)")
      .option("--branch <branch>", "the branch that is obeyed", "main")
      .option("--status-branch <branch>", "where status is published (default: as fleet.yaml says)")
      .option("--yes", "do it"),
    async (call: Call<RestoreOptions>) => (await import("./commands/restore.ts")).restore(call),
  );
  runs(
    add(
      "dead-letters [verb] [id]",
      "List what could not be delivered, or send it again",
      "factory dead-letters\nfactory dead-letters replay --all",
    )
      .addHelpText("before", "Verbs: list (the default), replay <id> or replay --all.\n")
      .option("--all", "replay: all of them"),
    async (call: Call<{ all?: boolean }>, verb: string | undefined, id: string | undefined) =>
      (await import("./commands/dead-letters.ts")).deadLetters(call, verb, id),
  );
  runs(add("reconcile", "Look at the repository now", "factory reconcile"), async (call: Call<object>) =>
    (await import("./commands/reconcile.ts")).reconcile(call),
  );
  runs(
    add(
      "allow-rewrite",
      "Accept one rewritten history",
      "factory allow-rewrite --from <old commit> --to <new commit>",
    )
      .requiredOption("--from <commit>", "the last commit that was accepted, in full", commit)
      .requiredOption("--to <commit>", "the commit that replaces it, in full", commit),
    async (call: Call<{ from: string; to: string }>) =>
      (await import("./commands/allow-rewrite.ts")).allowRewrite(call),
  );
  return program.helpCommand("help [command]", "Show the help of a command");
}

/** What a command gets besides its arguments. */
export interface Call<Options> {
  readonly io: Io;
  readonly globals: Globals;
  readonly options: Options;
}

export interface RunOptions {
  readonly source?: string;
  readonly branch: string;
  readonly poll?: number;
  readonly cron?: string;
  readonly once?: boolean;
  readonly untilClosed?: boolean;
  readonly host: string;
  readonly port?: number;
  readonly installation?: string;
  readonly fresh?: boolean;
  readonly containment?: "cgroup" | "pidns" | "group";
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly logJson?: boolean;
}

const GUIDE = `
Start here:
  factory demo                 the whole story on a scratch repository
  factory init my-fleet        a fleet of your own
  factory status               what runs, and what needs you first

Exit codes: 0 fine, 1 problems found, 2 wrong use, 3 no controller reached`;

/** A command and its arguments; that there are options goes without saying. */
function termOf(command: Command): string {
  const args = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  return [command.name(), ...args].join(" ");
}

function version(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `  $ ${line}`)
    .join("\n");
}

/** From now, or at an instant. */
export type Moment = { readonly inMs: number } | { readonly at: number };

function moment(text: string): Moment {
  const match = /^(\d{1,5})(s|m|h|d)$/.exec(text);
  const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 }[match?.[2] ?? ""];
  if (unitMs !== undefined) return { inMs: Number(match?.[1]) * unitMs };
  const at = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isFinite(at))
    throw new InvalidArgumentError("Expected e.g. 45m, 2h, 1d or 2026-11-24T08:00:00+01:00.");
  return { at };
}

/** Milliseconds. */
function duration(text: string): number {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  const unitMs = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match?.[2] ?? ""];
  const value = Number(match?.[1]) * (unitMs ?? Number.NaN);
  if (!(value >= POLL_MIN_MS))
    throw new InvalidArgumentError("Expected e.g. 500ms, 30s or 5m; at least 100ms.");
  return value;
}

/** Faster would be a busy loop on the origin. */
const POLL_MIN_MS = 100;

function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65_535) throw new InvalidArgumentError("Expected 0 to 65535.");
  return value;
}

function count(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("Expected a whole number from 1 on.");
  return Number(text);
}

function commit(text: string): string {
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) {
    throw new InvalidArgumentError("Expected a full commit id of 40 or 64 hexadecimal digits.");
  }
  return text;
}
