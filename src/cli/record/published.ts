/** What stands on the status branch, read without disturbing a controller that runs. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { commitSigner } from "../../adapters/git/commit-signature.ts";
import { createGitEnvironment } from "../../adapters/git/environment.ts";
import { createGitSource } from "../../adapters/git/source.ts";
import { createStatusBranch } from "../../adapters/git/status-branch.ts";
import { readPublishedHeads } from "../../adapters/git/status-history.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { readStatusKey } from "../../adapters/system/data-directory.ts";
import { FactoryError } from "../../core/model/error.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import type { StatusProof } from "../../ports/status-branch.ts";
import { JOURNAL_TRAILER, RECORD_FOLDER } from "../../reconciler/record/published-files.ts";
import { createResolvedRevisions } from "../../reconciler/source/resolved-revisions.ts";
import { gitAccess } from "../access.ts";

const TIMEOUT_MS = 2 * MINUTE_MS;

export interface Published {
  readonly branch: string;
  /** Null when the branch does not exist. */
  readonly commit: string | null;
  /** Who stands behind `files`: they are those of the newest commit that can be believed, where there is one. */
  readonly proof: StatusProof | null;
  /** What is published of the record, by path. */
  readonly files: ReadonlyMap<string, string>;
  /** Parts of the record that are larger than any that a controller writes, and were not read. */
  readonly tooLarge: readonly string[];
  /** Heads of the journal by the commits that they were published with, newest first; as many as were asked for. */
  readonly heads: readonly { readonly commit: string; readonly seq: number; readonly hash: string }[];
}

/** Rejects `source/…` and `status/…` when it cannot be read. */
export async function readPublished(options: {
  readonly source: string;
  readonly branch: string;
  /** Default: what `fleet.yaml` says at the head of the branch. */
  readonly statusBranch?: string;
  /** Older publications that are looked at, too. */
  readonly history?: number;
  /** Whose key is believed besides those of `fleet.yaml`. */
  readonly dataDir: string;
}): Promise<Published> {
  const directory = await mkdtemp(join(tmpdir(), "factory-record-"));
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  try {
    const pem = await readStatusKey(options.dataDir);
    const own = pem === null ? [] : [commitSigner(pem).publicKey];
    const declared =
      options.statusBranch === undefined ? await declaredPlace(options, directory, signal) : null;
    const branch = options.statusBranch ?? declared?.branch ?? "";
    const status = createStatusBranch({
      url: options.source,
      branch,
      directory: join(directory, "status.git"),
      clock: systemClock(),
      ours: [RECORD_FOLDER],
      listed: () => [...own, ...(declared?.keys ?? [])],
      ...gitAccess(process.env),
    });
    const { commit, files: standing, tooLarge, proof = null } = await status.read(signal);
    // Whoever took over from us goes on from what we published: whether he may is for a person to say.
    const files = proof?.claim?.files ?? proof?.files ?? standing;
    const heads =
      commit === null || options.history === undefined
        ? []
        : await readPublishedHeads({
            environment: createGitEnvironment({ url: options.source, ...gitAccess(process.env) }),
            branch,
            directory: join(directory, "history.git"),
            trailer: JOURNAL_TRAILER,
            limit: options.history,
            signal,
          });
    return { branch, commit, proof, files, tooLarge, heads };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function declaredPlace(
  options: { readonly source: string; readonly branch: string },
  directory: string,
  signal: AbortSignal,
): Promise<{ readonly branch: string; readonly keys: readonly string[] }> {
  const source = createGitSource({
    url: options.source,
    branch: options.branch,
    directory: join(directory, "mirror.git"),
    ...gitAccess(process.env),
  });
  try {
    const seen = await source.observe(signal);
    if (seen.type === "error")
      throw new FactoryError(
        "source/unreadable",
        "retry",
        `${options.source} cannot be read: ${seen.message}; name the status branch with --status-branch`,
      );
    const revisions = createResolvedRevisions({ source, repository: options.source, clock: systemClock() });
    const desired = await revisions.take(seen.snapshot, signal);
    return desired.fleet.writeBack;
  } finally {
    await source.close();
  }
}
