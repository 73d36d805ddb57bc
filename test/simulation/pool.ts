/** Many seeds, in this process or in several. */
import { type ChildProcess, fork } from "node:child_process";
import { type SimulationOptions, type SimulationResult, simulate } from "./simulate.ts";

export interface SeedQueue {
  /** Processes; with one, everything happens in this one. */
  readonly jobs: number;
  readonly options: Omit<SimulationOptions, "seed">;
  /** The seed with this number, counted from 0; null when there are no more. Asked again after a null it may have changed its mind. */
  next(index: number): string | null;
}

/** What a process is asked, and what it answers. */
export type Question = SimulationOptions;
export type Answer = SimulationResult;

/**
 * Plays seeds until there are no more and tells of each as it ends, in any order. A seed
 * that cannot be played to its end is told of as one that broke `simulator`: whatever it is, somebody has to look.
 */
export async function playSeeds(
  queue: SeedQueue,
  onResult: (result: SimulationResult) => void,
): Promise<void> {
  let index = 0;
  const take = (): SimulationOptions | null => {
    const seed = queue.next(index);
    if (seed === null) return null;
    index += 1;
    return { ...queue.options, seed };
  };
  if (queue.jobs === 1) {
    for (let task = take(); task !== null; task = take()) onResult(await played(task));
    return;
  }
  await Promise.all(Array.from({ length: queue.jobs }, () => work(take, onResult)));
}

/** Never rejects. */
export async function played(options: SimulationOptions): Promise<SimulationResult> {
  try {
    return await simulate(options);
  } catch (error) {
    return broken(options.seed, error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
}

/** One process after another: the next one only when one has died. */
async function work(
  take: () => SimulationOptions | null,
  onResult: (result: SimulationResult) => void,
): Promise<void> {
  let child: ChildProcess | null = null;
  for (let task = take(); task !== null; task = take()) {
    child ??= fork(new URL("worker.ts", import.meta.url), { execArgv: ["--max-semi-space-size=64"] });
    const result = await ask(child, task);
    if (!child.connected || child.exitCode !== null) child = null;
    onResult(result);
  }
  child?.disconnect();
}

function ask(child: ChildProcess, question: Question): Promise<SimulationResult> {
  return new Promise((resolve) => {
    const answered = (answer: unknown): void => finish(answer as Answer);
    const died = (code: number | null, signal: string | null): void =>
      finish(broken(question.seed, `its process ended with ${signal ?? `exit code ${code}`}`));
    const finish = (result: SimulationResult): void => {
      child.off("message", answered);
      child.off("exit", died);
      resolve(result);
    };
    child.on("message", answered);
    child.on("exit", died);
    child.send(question);
  });
}

function broken(seed: string, message: string): SimulationResult {
  return {
    seed,
    violations: [{ invariant: "simulator", clone: null, seq: null, message }],
    hash: "",
    troubles: [],
    injected: {},
    virtualMs: 0,
    cpuMs: 0,
    cloneHours: 0,
    busyHours: 0,
    steps: 0,
    events: 0,
    story: [],
    closed: 0,
  };
}
