import type { Instant } from "./time.ts";

/** Why a trace bundle is taken. */
export const TRACE_CAUSES = ["killed", "kill_switch", "runaway", "lost", "quarantine", "survivors"] as const;
export type TraceCause = (typeof TRACE_CAUSES)[number];

/** What was kept of an instance that did not end well: the files are in the data directory, this is their receipt. */
export interface TraceBundle {
  readonly epoch: number;
  readonly cause: TraceCause;
  readonly at: Instant;
  /** The bundle's folder. */
  readonly path: string;
  /** `sha256:<hex>` over its manifest, which has the digest of every file. */
  readonly digest: string;
  readonly files: number;
  readonly bytes: number;
  /** Parts that could not be had, each with its reason. */
  readonly missing: readonly string[];
  /** What happened, one line each, at most `TIMELINE_LINES_MAX`. From the journal. */
  readonly timeline: readonly string[];
  /** The agent's last tool calls, newest last, at most `LAST_ACTIONS_MAX`. */
  readonly lastActions: readonly string[];
  /** What of the workspace differs from what the clone was given. */
  readonly changedFiles: readonly string[];
}

export const TIMELINE_LINES_MAX = 40;
export const LAST_ACTIONS_MAX = 20;
export const CHANGED_FILES_MAX = 50;
/** Bundles that a mission's state names; older ones stay on the disk. */
export const TRACES_MAX = 10;
