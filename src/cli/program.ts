import { Command } from "commander";
import { type CommandSpec, commandOf } from "./command.ts";
import { ALIASES, COMMANDS } from "./commands/list.ts";
import type { Io } from "./io.ts";
import { packageVersion } from "./package-files.ts";
import type { Globals } from "./place.ts";

/**
 * The command line as a whole: what every command takes, and every command that `args` may mean. `outcome` gets the
 * exit code of the one that is called.
 */
export async function createProgram(
  io: Io,
  outcome: { exitCode: number },
  args: readonly string[] = [],
): Promise<Command> {
  const program = new Command("factory");
  program
    .description("GitOps control plane for fleets of autonomous agents.")
    .version(packageVersion(), "-V, --version", "print the version")
    .option("--dir <dir>", "the fleet repository (default: found upwards by its fleet.yaml)")
    .option("--data <dir>", "what the controller remembers (default: <dir>/.factory; FACTORY_DATA)")
    .option("--url <url>", "a controller elsewhere: https://host:port#sha256=… (FACTORY_URL)")
    .option("--token <token>", "its operator token (better: FACTORY_TOKEN)")
    .option("--access <file>", "both, in a file of mode 600 (FACTORY_ACCESS)")
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
  const wanted = wantedNames(args);
  for (const [heading, commands] of Object.entries(COMMANDS)) {
    program.commandsGroup(heading);
    for (const [name, load] of Object.entries(commands)) {
      if (!wanted.has(name)) continue;
      const spec = await load();
      const run = async (self: Command, given: readonly unknown[]): Promise<void> => {
        outcome.exitCode = await runSpec(spec, { io, program, self, given });
      };
      const made = commandOf(spec, { io, run }).copyInheritedSettings(program);
      for (const [alias, meant] of Object.entries(ALIASES)) if (meant === name) made.alias(alias);
      program.addCommand(made);
    }
  }
  return program.helpCommand("help [command]", "Show the help of a command");
}

/** The commands whose name stands anywhere in the arguments: one of them is meant. All of them for help, and where none is there. */
function wantedNames(args: readonly string[]): ReadonlySet<string> {
  const all = Object.values(COMMANDS).flatMap((commands) => Object.keys(commands));
  const named = args.map((word) => ALIASES[word] ?? word).filter((word) => all.includes(word));
  return new Set(named.length === 0 || args.includes("help") ? all : named);
}

interface Called {
  readonly io: Io;
  readonly program: Command;
  readonly self: Command;
  readonly given: readonly unknown[];
}

/** What commander has read has the shape that the command declared, and only this line knows that. */
function runSpec(spec: CommandSpec, { io, program, self, given }: Called): Promise<number> {
  const globals = program.opts<Globals>();
  const call = {
    io,
    globals,
    options: self.opts(),
    json: globals.json === true,
    controller: async () => (await import("./controller.ts")).connect(globals, io),
  };
  return spec.run(call as never, ...(given as readonly never[]));
}

const GUIDE = `
Start here:
  factory demo                 the whole story on a scratch repository
  factory init my-fleet        a fleet of your own
  factory status               what runs, and what needs you first

Exit codes: 0 fine, 1 problems found, 2 wrong use, 3 no controller reached,
4 another installation has the right to act
(plan --detailed-exitcode: 0 nothing changes, 2 something does, 1 any error)`;

/** A command and its arguments; that there are options goes without saying. */
function termOf(command: Command): string {
  const args = command.registeredArguments.map((argument) =>
    argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
  );
  return [command.name(), ...args].join(" ");
}
