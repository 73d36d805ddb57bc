import { dirname } from "node:path";
import type { SourceErrorReason } from "../../ports/source.ts";
import type { GitEnvironment } from "./environment.ts";
import { complaint, NO_MATCHING_REF, readFailure } from "./errors.ts";
import { runRemoteGit } from "./remote-process.ts";

/** What the origin says of some refs. */
export type RemoteRefs =
  | { readonly type: "ok"; readonly refs: ReadonlyMap<string, string> }
  | { readonly type: "error"; readonly reason: SourceErrorReason; readonly message: string };

export interface RemoteRefsRequest {
  readonly environment: GitEnvironment;
  /** Of our repository, which need not exist yet; the folder above it must. */
  readonly gitDir: string;
  /** Full names. `<name>^{}` asks for what a tag points to. */
  readonly names: readonly string[];
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Listings are short: a server that sends more than this is not answering our question. */
const LISTING_BYTES_MAX = 1024 * 1024;

/** Asks the origin for refs by their full names, and for nothing else. A ref that does not exist is not in the answer. */
export async function listRemoteRefs(request: RemoteRefsRequest): Promise<RemoteRefs> {
  const { environment, gitDir, names, timeoutMs, signal } = request;
  const outcome = await runRemoteGit({
    args: ["ls-remote", "--exit-code", "--", environment.url, ...names],
    env: await environment.remote(gitDir),
    cwd: dirname(gitDir),
    timeoutMs,
    outputBytesMax: LISTING_BYTES_MAX,
    signal,
  });
  const refs = new Map<string, string>();
  if (outcome.exitCode !== 0 && outcome.exitCode !== NO_MATCHING_REF) {
    const message = environment.redact(complaint(outcome, timeoutMs));
    return { type: "error", reason: readFailure(outcome), message };
  }
  for (const line of outcome.stdout.toString("utf8").split("\n")) {
    const [id, name] = line.split("\t");
    // git also matches the end of longer names.
    if (id !== undefined && name !== undefined && names.includes(name)) refs.set(name, id);
  }
  return { type: "ok", refs };
}
