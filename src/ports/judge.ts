import type { MissionContract } from "../core/model/mission.ts";
import type { Verdict } from "../core/model/verdict.ts";
import type { WorkspaceRef } from "./workspaces.ts";

export type { CheckHold, CriterionEvidence, OutputEvidence, Verdict } from "../core/model/verdict.ts";

/** Judges a mission's result in a clean place, outside of the clone's reach. */
export interface Judge {
  /**
   * Fetches the required outputs out of the workspace, checks them against
   * their schemas, takes their checksums, and runs every declared check in a
   * clean checkout of `revision` into which the outputs were put, shut in: a check may run what the clone has made.
   * Where the machine cannot shut it in, its criterion is `pending` with the reason, unless `allowUncontained`. Safe to repeat.
   */
  judge(request: JudgeRequest, signal: AbortSignal): Promise<Verdict>;
  /**
   * Part of an output that an earlier judgement kept: `count` bytes from byte `from` on, fewer at its end. Null when there is none
   * of that name, as after the disk was lost. Rejects with `judge/io` (`retry`).
   */
  readKept(missionId: string, range: KeptRange): Promise<Uint8Array | null>;
}

export interface KeptRange {
  /** As the contract names the output. */
  readonly path: string;
  readonly from: number;
  readonly count: number;
}

export interface JudgeRequest {
  readonly missionId: string;
  readonly mission: string;
  readonly revision: string;
  readonly workspace: WorkspaceRef;
  readonly contract: MissionContract;
  /** A person's word that checks may run with what the controller can read and reach. */
  readonly allowUncontained: boolean;
}
