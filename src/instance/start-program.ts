/**
 * Every program that is started here: that there is no descriptor, process or memory left for it is an answer like any other, and ends nobody
 * who did not wait for it. Node alone throws for some of these, tells of others by an event that ends a process
 * that does not listen, leaves out the streams of a child for want of descriptors, and signals whatever number stands in the memory of
 * one that was never started (`signal-child.ts`): that one is handed to nobody.
 */
import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { type Shortage, shortageError, shortageOf, shortageText } from "../core/model/shortage.ts";

/** A child with whichever streams were asked for; or none, and why. */
export type Start<Child extends ChildProcess = ChildProcess> =
  | { readonly child: Child & { readonly pid: number }; readonly failure: null }
  | { readonly child: null; readonly failure: Promise<StartFailure> };

export interface StartFailure {
  /** That it is not there, or that something has run out; `unknown` where the system says nothing. */
  readonly code: string;
  /** Null: another try would find the same. */
  readonly shortage: Shortage | null;
  /** Which program, and what is in the way. */
  readonly message: string;
}

/** Never throws. Time limits and signals are the caller's, on a child that runs. A child that was started has its `pid`, and its later errors, such as of a signal that could not be sent, harm nobody. */
export function startProgram<Child extends ChildProcess = ChildProcess>(
  program: string,
  args: readonly string[],
  options: Omit<SpawnOptions, "timeout" | "signal" | "killSignal">,
): Start<Child> {
  let child: ChildProcess;
  try {
    child = spawn(program, [...args], options);
  } catch (error) {
    return { child: null, failure: Promise.resolve(startFailure(program, error)) };
  }
  if (child.pid === undefined) {
    const failure = new Promise<StartFailure>((resolve) => {
      child.once("error", (error) => resolve(startFailure(program, error)));
    });
    // Where nothing is left, not even their other ends are to wait for a turn of the loop.
    for (const stream of child.stdio ?? []) stream?.destroy();
    return { child: null, failure };
  }
  child.on("error", () => {});
  return { child: child as Child & { readonly pid: number }, failure: null };
}

export function startFailure(program: string, error: unknown): StartFailure {
  const shortage = shortageOf(error);
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  const why =
    shortage !== null
      ? shortageText(shortage)
      : code === "ENOENT"
        ? "it is not there, or the folder that it was to run in is not (ENOENT)"
        : code;
  return { code, shortage, message: `${program} cannot be started: ${why}` };
}

/** For whoever takes a program that does not start for one that does not work: that nothing was left for it says nothing about it. */
export function refuseShortageOf(failure: StartFailure): void {
  if (failure.shortage !== null) throw shortageError("a program could not be started", failure.shortage);
}
