/** The fleet repository as it was seen last, and what it asks for. */
import type { DesiredState } from "../../core/model/desired.ts";
import type { SourceView } from "../../core/status/view.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Source, SourceResult } from "../../ports/source.ts";
import type { ResolvedRevisions } from "./resolved-revisions.ts";

export interface Repository {
  /** Looks at it, if it may have changed. Never throws: failing is a result. Answers whether something else is seen than before. */
  poll(signal: AbortSignal, hint?: { readonly moved: boolean }): Promise<boolean>;
  /** How it was seen last. */
  view(): SourceView;
  /** What was approved last: it still holds while nothing can be read. */
  desired(): DesiredState | null;
  /**
   * The same while it can be read, and null otherwise: then nothing may be concluded from what it said about names that
   * are gone.
   */
  trusted(): DesiredState | null;
}

const NOT_LOOKED_YET: SourceView = {
  state: "unknown",
  reason: "NotLookedYet",
  message: "the repository has not been looked at yet",
  revision: null,
  observedAt: null,
};

export function createRepository(parts: {
  readonly source: Source;
  readonly revisions: ResolvedRevisions;
  readonly clock: Clock;
  readonly log: Log;
}): Repository {
  const { source, revisions, clock, log } = parts;
  let view = NOT_LOOKED_YET;
  let desired: DesiredState | null = null;

  async function poll(signal: AbortSignal, hint?: { readonly moved: boolean }): Promise<boolean> {
    const result = await source.observe(signal, hint);
    const before = view;
    view = viewOf(result, clock.now());
    if (view.state !== before.state || view.reason !== before.reason) {
      const say = result.type === "error" ? log.warn : log.info;
      say("the repository was looked at", {
        state: view.state,
        reason: view.reason,
        revision: view.revision,
        message: view.message,
      });
    }
    if (result.type !== "error") await takeUp(result, signal);
    // What was approved last still holds, also after a restart of ours.
    else if (desired === null && result.lastGood !== null) desired = await reopen(result.lastGood, signal);
    return view.state !== before.state || view.reason !== before.reason || view.revision !== before.revision;
  }

  async function takeUp(
    { snapshot }: Exclude<SourceResult, { type: "error" }>,
    signal: AbortSignal,
  ): Promise<void> {
    if (desired?.revision === snapshot.revision) return;
    const taken = await revisions.take(snapshot, signal);
    desired = taken;
    log.info("a new revision was taken up", {
      revision: taken.revision,
      missions: taken.missions.size,
      clones: taken.clones.size,
      broken: taken.broken.size,
      issues: taken.issues.length,
    });
  }

  async function reopen(revision: string, signal: AbortSignal): Promise<DesiredState | null> {
    try {
      return await revisions.take(await source.open(revision, signal), signal);
    } catch (error) {
      log.warn("the last good revision could not be opened", { revision, error: String(error) });
      return null;
    }
  }

  return {
    poll,
    view: () => view,
    desired: () => desired,
    trusted: () => (view.state === "ok" || view.state === "verified_empty" ? desired : null),
  };
}

function viewOf(result: SourceResult, at: number): SourceView {
  if (result.type === "error") {
    return {
      state: "error",
      reason: result.reason,
      message: result.message,
      revision: result.lastGood,
      observedAt: at,
    };
  }
  const empty = result.type === "verified_empty";
  return {
    state: result.type,
    reason: empty ? "VerifiedEmpty" : "Read",
    message: empty ? "the commit was read and holds none of our documents" : "the newest commit was read",
    revision: result.snapshot.revision,
    observedAt: at,
  };
}
