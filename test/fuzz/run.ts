/** Feeds one target for a time, and says what came of it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { GROWTH_BYTES_MAX, type Target } from "./target.ts";

/** Inputs between two looks whether all is as it should be. */
const BATCH = 200;
/** A failure is made smaller for so long. */
const SHRINK_MS = 20_000;
/** Batches after which a part has its caches and buffers: from then on it may not grow. */
const WARM_BATCHES = 5;

export interface FuzzReport {
  readonly target: string;
  readonly inputs: number;
  readonly seconds: number;
  /** Null where too little was fed to tell. */
  readonly grownBytes: number | null;
  /** Each with what shows it again. */
  readonly failures: readonly { readonly seed: number; readonly file: string; readonly message: string }[];
}

export async function fuzz<Input>(options: {
  readonly name: string;
  readonly target: Target<Input>;
  readonly seconds: number;
  readonly seed: number;
  /** For inputs that failed. */
  readonly folder: string;
  readonly log: (line: string) => void;
  readonly inputsMax?: number;
}): Promise<FuzzReport> {
  const { name, target, seconds, folder, log, inputsMax = Number.POSITIVE_INFINITY } = options;
  const failures: { seed: number; file: string; message: string }[] = [];
  const begun = performance.now();
  const until = begun + seconds * 1_000;
  let inputs = 0;
  let warm: number | null = null;
  for (let batch = 0; performance.now() < until && inputs < inputsMax && failures.length < 5; batch += 1) {
    const seed = options.seed + batch;
    const left = Math.max(1_000, until - performance.now());
    const result = await fc.check(
      fc.asyncProperty(target.inputs, (input) => target.feed(input)),
      { seed, numRuns: Math.min(BATCH, inputsMax - inputs), interruptAfterTimeLimit: left + SHRINK_MS },
    );
    inputs += result.numRuns;
    const complaint = result.failed ? messageOf(result.errorInstance) : await complaintOf(target.sane());
    if (complaint !== null) {
      const file = join(folder, `${name}-${seed}.txt`);
      mkdirSync(folder, { recursive: true });
      const shown =
        result.counterexample?.map((input) => target.show(input)).join("\n") ?? "(after the whole batch)";
      writeFileSync(file, `${shown}\n\n${complaint}\n`);
      failures.push({ seed, file, message: complaint });
      log(`${name} seed ${seed}: ${complaint.split("\n")[0]}; kept in ${file}`);
      await complaintOf(target.sane());
    }
    if (batch === WARM_BATCHES) warm = await target.memory();
  }
  const grownBytes = warm === null ? null : (await target.memory()) - warm;
  if (grownBytes !== null && grownBytes > GROWTH_BYTES_MAX)
    failures.push({
      seed: options.seed,
      file: "",
      message: `grew by ${Math.round(grownBytes / 2 ** 20)} MiB over ${inputs} inputs`,
    });
  return {
    target: name,
    inputs,
    seconds: Math.round((performance.now() - begun) / 1_000),
    grownBytes,
    failures,
  };
}

async function complaintOf(work: Promise<void>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
