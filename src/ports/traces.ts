import type { InstanceHandle } from "../core/model/instance.ts";
import type { Instant } from "../core/model/time.ts";
import type { TraceBundle, TraceCause } from "../core/model/trace.ts";
import type { InstanceEvidence } from "./driver.ts";
import type { WorkspaceRef } from "./workspaces.ts";

/**
 * Keeps what is needed to understand an instance that did not end well, outside of
 * every clone's reach: `<directory>/<mission_id>/<epoch>/` with a manifest over all of its files.
 */
export interface Traces {
  /**
   * Keeps what a dying instance could still change: what is seen of its processes, its workspace. Ends at once
   * when `signal` aborts; what is not whole by then is kept by `finish`. A repeat keeps what stands there.
   */
  begin(request: TraceRequest, signal: AbortSignal): Promise<void>;
  /**
   * Keeps the rest, once the instance is dead, and writes the manifest. What cannot be had is named in it and
   * does not reject. A repeat after the manifest was written answers with the same receipt.
   */
  finish(request: FinishRequest, signal: AbortSignal): Promise<TraceReceipt>;
}

export interface TraceRequest {
  readonly clone: string;
  readonly missionId: string;
  readonly epoch: number;
  readonly cause: TraceCause;
  readonly workspace: WorkspaceRef;
  /** Whose shim has written something down; null when nothing is left of it. */
  readonly instance: InstanceHandle | null;
  readonly evidence: InstanceEvidence;
  /** Values of secrets, which nothing that is kept may show. */
  readonly secrets: readonly string[];
}

export interface FinishRequest extends TraceRequest {
  /** The mission's part of the journal, one JSON document a line. */
  readonly journal: readonly string[];
  /** Usage, the newest heartbeat and the state of the clone, as JSON documents. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export type TraceReceipt = Pick<
  TraceBundle,
  "path" | "digest" | "files" | "bytes" | "missing" | "lastActions" | "changedFiles"
> & { readonly at: Instant };
