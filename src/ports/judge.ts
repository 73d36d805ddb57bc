import type { MissionContract } from "../core/model/mission.ts";
import type { Verdict } from "../core/model/verdict.ts";
import type { WorkspaceRef } from "./workspaces.ts";

export type { CriterionEvidence, OutputEvidence, Verdict } from "../core/model/verdict.ts";

/** Judges a mission's result in a clean place, outside of the clone's reach. */
export interface Judge {
  /**
   * Fetches the required outputs out of the workspace, checks them against
   * their schemas, takes their checksums, and runs every declared check in a
   * clean checkout of `revision` into which the outputs were put. Safe to repeat.
   */
  judge(request: JudgeRequest, signal: AbortSignal): Promise<Verdict>;
}

export interface JudgeRequest {
  readonly missionId: string;
  readonly mission: string;
  readonly revision: string;
  readonly workspace: WorkspaceRef;
  readonly contract: MissionContract;
}
