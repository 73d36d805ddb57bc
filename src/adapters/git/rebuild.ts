import { readdir, rename, rm } from "node:fs/promises";
import type { SourceErrorReason } from "../../ports/source.ts";
import { complaint, readFailure } from "./errors.ts";
import {
  ACCEPTED,
  CANDIDATE,
  initMirror,
  type MirrorOptions,
  type ObjectFormat,
  openMirror,
} from "./mirror.ts";
import { readPermit } from "./rewrite-permit.ts";

export interface RebuildRequest {
  readonly options: MirrorOptions;
  readonly format: ObjectFormat;
  readonly ref: string;
  /** Must be in what the origin has now, unless a person allowed to go on without it. */
  readonly accepted: string | null;
  readonly signal: AbortSignal;
}

/**
 * Replaces a damaged mirror by a new copy of the origin that knows the same
 * last accepted commit. The damaged one stays next to it as `<directory>.broken`.
 * Answers with what is in the way, and then has changed nothing.
 *
 * A crash before the exchange leaves the damaged mirror, and one in the middle
 * of it leaves a folder that `finishRebuild` puts in place.
 */
export async function rebuildMirror(
  request: RebuildRequest,
): Promise<{ readonly reason: SourceErrorReason; readonly message: string } | null> {
  const { options, format, ref, accepted, signal } = request;
  const draft = { ...options, directory: draftOf(options.directory) };
  await rm(draft.directory, { recursive: true, force: true });
  const fresh = await initMirror(draft, format);
  const outcome = await fresh.fetch([`+${ref}:${CANDIDATE}`], { signal });
  if (outcome.exitCode !== 0) {
    return { reason: readFailure(outcome), message: complaint(outcome, options.timeouts.fetchMs) };
  }
  if (accepted !== null && (await fresh.has(accepted))) {
    await fresh.update([`create ${ACCEPTED} ${accepted}`]);
  } else if (accepted !== null) {
    const permit = await readPermit(options.directory);
    if (permit?.from !== accepted || !(await fresh.has(permit.to))) {
      const message = `the mirror is damaged, and the origin no longer has the last accepted commit ${accepted}`;
      return { reason: "Corrupt", message };
    }
  }
  const broken = `${options.directory}.broken`;
  await rm(broken, { recursive: true, force: true });
  await rename(options.directory, broken);
  await rename(draft.directory, options.directory);
  return null;
}

/** Carries an exchange to its end that a crash had interrupted. Safe to call at any start. */
export async function finishRebuild(options: MirrorOptions): Promise<void> {
  const entries = await readdir(options.directory).catch(() => null);
  const draft = { ...options, directory: draftOf(options.directory) };
  // Only the exchange itself ever takes the mirror away, and it starts from a complete copy.
  if (entries !== null || (await openMirror(draft)) === null) return;
  await rename(draft.directory, options.directory);
}

function draftOf(directory: string): string {
  return `${directory}.rebuild`;
}
