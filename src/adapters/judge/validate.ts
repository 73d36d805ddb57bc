import { extname, join } from "node:path";
import { Worker } from "node:worker_threads";
import { shortageError, shortageOf } from "../../core/model/shortage.ts";
import type { Clock } from "../../ports/clock.ts";
import type { CollectedOutput } from "./collect.ts";
import type { ValidationJob, ValidationResult } from "./validate-worker.ts";

const WORKER_MEMORY_MB = 512;

export interface ValidateRequest {
  readonly collected: readonly CollectedOutput[];
  readonly staged: string;
  readonly checkout: string;
  readonly clock: Clock;
  readonly limitMs: number;
}

/**
 * Checks the copies that have a schema against it. Runs in a thread of its own
 * with limits on time and memory: the text comes from an agent, and a pattern
 * that takes an hour must not take the controller with it.
 */
export async function validateOutputs(
  request: ValidateRequest,
  signal: AbortSignal,
): Promise<readonly CollectedOutput[]> {
  const { checkout, staged } = request;
  const jobs: ValidationJob[] = request.collected.flatMap(({ path, schema, sha256 }) =>
    schema !== null && sha256 !== null ? [{ path, file: join(staged, path), schema }] : [],
  );
  if (jobs.length === 0) return request.collected;
  const results = await inWorker({ checkout, jobs }, request, signal);
  return request.collected.map((output) => {
    const found = results.find((result) => result.path === output.path);
    return found ? { ...output, problems: [...output.problems, ...found.problems] } : output;
  });
}

async function inWorker(
  data: { readonly checkout: string; readonly jobs: readonly ValidationJob[] },
  { clock, limitMs }: { readonly clock: Clock; readonly limitMs: number },
  signal: AbortSignal,
): Promise<readonly ValidationResult[]> {
  // The same ending as this file: `.ts` in development, `.js` in the published package.
  const program = new URL(`./validate-worker${extname(import.meta.url)}`, import.meta.url);
  const worker = new Worker(program, {
    workerData: data,
    resourceLimits: { maxOldGenerationSizeMb: WORKER_MEMORY_MB },
    env: {},
    execArgv: [],
  });
  const over = new AbortController();
  const failed = (problem: string): readonly ValidationResult[] =>
    data.jobs.map(({ path }) => ({ path, problems: [problem] }));
  try {
    const answer = new Promise<readonly ValidationResult[]>((resolve, reject) => {
      worker.once("message", (results: readonly ValidationResult[]) => resolve(results));
      worker.once("error", (error) => {
        // It could not come up, which says nothing about what it was to look at.
        const shortage = shortageOf(error);
        if (shortage !== null) return reject(shortageError("outputs cannot be validated", shortage, error));
        resolve(failed(`cannot be validated: ${error.message}`));
      });
      worker.once("exit", () =>
        resolve(failed("cannot be validated: the validation ended without a result")),
      );
    });
    const late = clock.sleep(limitMs, AbortSignal.any([signal, over.signal])).then(
      () => failed(`cannot be validated within ${limitMs} ms`),
      () => failed("was not validated"),
    );
    const results = await Promise.race([answer, late]);
    signal.throwIfAborted();
    return results;
  } finally {
    over.abort();
    await worker.terminate();
  }
}
