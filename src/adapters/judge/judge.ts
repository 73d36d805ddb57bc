import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import { CHECK_USERS_COUNT, CHECK_USERS_FIRST } from "../../instance/sandbox-users.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Collect } from "../../ports/collect.ts";
import type { CriterionEvidence, Judge, JudgeRequest, Verdict } from "../../ports/judge.ts";
import type { Source } from "../../ports/source.ts";
import { checkEnvironment } from "./check.ts";
import { type CollectedOutput, collectOutputs } from "./collect.ts";
import { type CheckContainment, probeContainment } from "./containment.ts";
import { type Bench, judgeCriterion } from "./criterion.ts";
import { readKept } from "./kept.ts";
import { placeOutputs } from "./place.ts";
import { openToAll } from "./tree.ts";
import { createTurns } from "./turns.ts";
import { validateOutputs } from "./validate.ts";

export interface JudgeOptions {
  /**
   * Ours alone. Below it: `artifacts/<mission_id>/` (the kept outputs),
   * `checks/<mission_id>/` (what each check printed), `judging/` (work in progress).
   */
  readonly directory: string;
  readonly source: Pick<Source, "exportTree">;
  /** Fetches the outputs from wherever the workspace is. */
  readonly collect: Collect;
  readonly clock: Clock;
  /** Beside the judge's own folder and the user's home: what checks do not see. */
  readonly hidden?: () => readonly string[];
  /** How checks are held. Default: the strongest that this machine offers, found out by trying. */
  readonly containment?: CheckContainment;
  /** For reading, parsing and validating the outputs of one mission. Default 30 s. */
  readonly validateMs?: number;
}

/**
 * Missions that are judged at the same time. A controller that finds a whole fleet's results
 * on its return finishes some of them, instead of beginning all and, if it dies again, finishing none.
 */
const AT_ONCE_MAX = 4;
/** Beyond this a schema or an output is made to be slow. */
const VALIDATE_MS = 30_000;

/**
 * Judges results where the clone cannot reach: outputs are fetched out of its
 * workspace first, and only the copies are looked at; schemas and checks come
 * from the repository at the dispatched revision.
 *
 * A repeat judges again and replaces what was kept. Once the workspace is gone
 * (archived), it judges the kept copies. A crash leaves a folder in `judging/`
 * that the next call for the same mission removes.
 */
export function createJudge(options: JudgeOptions): Judge {
  const directory = resolve(options.directory);
  const limitMs = options.validateMs ?? VALIDATE_MS;
  const turns = createTurns(AT_ONCE_MAX);
  async function judge(request: JudgeRequest, signal: AbortSignal): Promise<Verdict> {
    signal.throwIfAborted();
    const mission = folderName(request.missionId);
    const keptAt = join(directory, "artifacts", mission);
    const scratch = await freshScratch(join(directory, "judging"), mission);
    try {
      const staged = join(scratch, "outputs");
      const required = request.contract.artifact_policy.required_outputs;
      const { workspace } = request;
      const from = { collect: options.collect, workspace, keptAt };
      const collected = await collectOutputs({ required, from, to: staged }, signal);

      const checkout = join(scratch, "checkout");
      const checks = request.contract.success_criteria.filter((criterion) => criterion.check);
      if (checks.length > 0 || required.some((output) => output.schema)) {
        await options.source.exportTree({ revision: request.revision, directory: checkout }, signal);
      }
      const judged = await validateOutputs(
        { collected, staged, checkout, clock: options.clock, limitMs },
        signal,
      );
      const outputs = await placeOutputs({ outputs: judged, staged, checkout, contract: request.contract });
      if (checks.length > 0) for (const tree of [checkout, staged]) await openToAll(tree);

      const bench: Bench = {
        scratch,
        checkout,
        outputs: staged,
        logs: join(scratch, "logs"),
        user: process.getuid?.() === 0 ? userFor(request.missionId) : null,
        hidden: [directory, ...(options.hidden?.() ?? [])],
        containment: options.containment ?? (await probeContainment(checkEnvironment(scratch))),
        allowUncontained: request.allowUncontained,
        clock: options.clock,
      };
      const criteria: CriterionEvidence[] = [];
      for (const criterion of request.contract.success_criteria)
        criteria.push(await judgeCriterion(criterion, bench, signal));
      await replaceFolder(staged, keptAt);
      await replaceFolder(bench.logs, join(directory, "checks", mission));
      return { outputs: outputs.map(evidenceOf), criteria, keptAt };
    } finally {
      await removeTree(scratch);
    }
  }

  return {
    judge: (request, signal) =>
      turns
        .take(() => judge(request, signal), signal)
        .catch((error: unknown) => {
          signal.throwIfAborted();
          throw ioError(`cannot judge ${request.missionId}`, error);
        }),
    async readKept(missionId, range) {
      try {
        return await readKept(join(directory, "artifacts", folderName(missionId)), range);
      } catch (error) {
        throw ioError(`cannot read what was kept of ${missionId}`, error);
      }
    },
  };
}

/** Ours, not the clone's: a full disk, a lost permission. What the clone did is in the verdict. */
function ioError(what: string, error: unknown): FactoryError {
  if (error instanceof FactoryError) return error;
  const message = `${what}: ${error instanceof Error ? error.message : String(error)}`;
  return new FactoryError("judge/io", "retry", message, { cause: error });
}

/** Another number for another mission, so that two that are judged at once share neither files nor a count of processes. */
function userFor(missionId: string): number {
  const digest = createHash("sha256").update(missionId).digest();
  return CHECK_USERS_FIRST + (digest.readUInt32BE(0) % CHECK_USERS_COUNT);
}

function evidenceOf(output: CollectedOutput): Verdict["outputs"][number] {
  const { path, sha256, bytes, schema, problems } = output;
  return { path, ok: problems.length === 0, sha256, bytes, schema, problems };
}

/** An empty folder for this run; what an interrupted run of the same mission left is removed. */
async function freshScratch(parent: string, mission: string): Promise<string> {
  await mkdir(parent, { recursive: true, mode: 0o700 });
  for (const name of await readdir(parent)) {
    if (name.slice(0, name.lastIndexOf("-")) === mission) await removeTree(join(parent, name));
  }
  return await mkdtemp(join(parent, `${mission}-`));
}

async function replaceFolder(from: string, to: string): Promise<void> {
  await mkdir(from, { recursive: true });
  await mkdir(dirname(to), { recursive: true });
  await removeTree(to);
  await rename(from, to);
}

async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true, maxRetries: 3 });
}

function folderName(missionId: string): string {
  if (/^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/.test(missionId)) return missionId;
  throw new FactoryError("judge/name", "stall", `"${missionId.slice(0, 200)}" cannot name a folder`);
}
