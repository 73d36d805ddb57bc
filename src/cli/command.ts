import { Command, type Option } from "commander";
import type { Controller } from "./controller.ts";
import type { Io } from "./io.ts";
import type { Globals } from "./place.ts";

/** What a command gets besides its arguments. */
export interface Call<Options = object> {
  readonly io: Io;
  readonly globals: Globals;
  readonly options: Options;
  /** One JSON document instead of text. */
  readonly json: boolean;
  /** The controller, as `--url`, `--data` and their variables name it. Loaded only when a command asks for it. */
  controller(): Promise<Controller>;
}

export interface CommandSpec {
  /** Name and arguments: `pause <name>`. */
  readonly usage: string;
  /** A line of the overview, without a full stop. */
  readonly summary: string;
  /** Lines of a shell. */
  readonly examples: readonly [string, ...string[]];
  readonly options?: readonly Option[];
  /** Stands above the arguments in its help. */
  readonly note?: string;
  /** Answers with the exit code. */
  readonly run: (call: Call<never>, ...args: readonly never[]) => Promise<number>;
}

/**
 * Declares a command: `command<{ reason: string }, [name: string]>({ … })`. `factory --help` loads the file of every
 * command and has to be there at once, so what takes time to load is imported by `run`.
 */
export function command<Options = object, Args extends readonly unknown[] = []>(
  spec: Omit<CommandSpec, "run"> & {
    readonly run: (call: Call<Options>, ...args: Args) => Promise<number>;
  },
): CommandSpec {
  return spec as unknown as CommandSpec;
}

/** The command as commander knows it. `run` is given what it was called with. */
export function commandOf(
  spec: CommandSpec,
  { io, run }: { readonly io: Io; readonly run: (self: Command, args: readonly unknown[]) => Promise<void> },
): Command {
  const [name = "", ...args] = spec.usage.split(" ");
  const made = new Command(name)
    .summary(spec.summary)
    .description(`${spec.summary}.`)
    .helpOption("-h, --help", "this help")
    .configureHelp({ helpWidth: io.width, showGlobalOptions: true })
    .addHelpText("after", examplesText(spec.examples))
    .action(async (...given: unknown[]) => run(made, given.slice(0, -2)));
  for (const argument of args) made.argument(argument);
  for (const option of spec.options ?? []) made.addOption(option);
  if (spec.note !== undefined) made.addHelpText("before", `${spec.note}\n`);
  return made;
}

function examplesText(examples: readonly string[]): string {
  const lines = examples.map((line) => `  $ ${line}`).join("\n");
  return `\n${examples.length > 1 ? "Examples" : "Example"}:\n${lines}`;
}
