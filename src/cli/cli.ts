import { CommanderError } from "commander";
import { DETAILED_EXITCODE, EXIT, failureOf, PLAN_EXIT } from "./exit.ts";
import { createIo, type Io } from "./io.ts";
import { createProgram } from "./program.ts";

/**
 * Runs one command and answers with the code with which the process is to end.
 * Never throws: an error is one sentence on standard error, and with `--json`
 * one document on standard output.
 */
export async function runCli(args: readonly string[], end: { pipeClosed: () => void }): Promise<number> {
  const options = args.slice(0, args.includes("--") ? args.indexOf("--") : args.length);
  const io = createIo({ color: !options.includes("--no-color"), pipeClosed: end.pipeClosed });
  const outcome = { exitCode: EXIT.fine as number };
  const program = await createProgram(io, outcome, options);
  if (args.length === 0) {
    program.outputHelp();
    return EXIT.fine;
  }
  try {
    await program.parseAsync([...args], { from: "user" });
    return outcome.exitCode;
  } catch (error) {
    const code = endOf(io, error, options.includes("--json"));
    return code !== EXIT.fine && options.includes(DETAILED_EXITCODE) ? PLAN_EXIT.problems : code;
  }
}

function endOf(io: Io, error: unknown, json: boolean): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.fine : EXIT.usage;
  return complain(io, error, json);
}

function complain(io: Io, error: unknown, json: boolean): number {
  const { code, message, hint, exitCode } = failureOf(error);
  if (json) io.json({ error: { code, message, ...(hint === null ? {} : { hint }) } });
  const debug = (process.env["FACTORY_DEBUG"] ?? "") !== "";
  io.err(`error: ${debug && error instanceof Error ? (error.stack ?? message) : message}`);
  if (debug && error instanceof Error && error.cause !== undefined) io.err(`cause: ${String(error.cause)}`);
  if (hint !== null) io.err(hint);
  return exitCode;
}
