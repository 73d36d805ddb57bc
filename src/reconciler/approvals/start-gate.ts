import type { Subject } from "../../core/model/approvals.ts";
import type { CloneState, MissionState } from "../../core/model/clone-state.ts";
import type { StartGate } from "../../core/model/condition.ts";
import type { DesiredState } from "../../core/model/desired.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { Approvals } from "./approvals.ts";

/**
 * The gate of the last moment: what is about to start was approved, as the forge says now. What it says is recorded with the gate, so
 * that status and closure report tell who let the mission start.
 *
 * One that was started before with the same declaration is started again without the forge: it was let start once.
 */
export async function contractApproved(
  { mission, spec, appliedDigest, gates }: CloneState,
  parts: {
    readonly approvals: Pick<Approvals, "inForce" | "judge" | "subjectsAt">;
    readonly desired: () => DesiredState | null;
    readonly at: number;
  },
  signal: AbortSignal,
): Promise<StartGate> {
  const { approvals, at } = parts;
  const gate = (ok: boolean, reason: string, evidence: string): StartGate => ({
    type: "ContractApproved",
    ok,
    reason,
    evidence,
    at,
  });
  const rules = approvals.inForce();
  if (rules === null || rules.policy.mode === "none")
    return gate(true, "NoneAsked", "no approvals are asked for: fleet.yaml says so or names no forge");
  if (mission === null || spec === null) return gate(false, "ApprovalMissing", "there is no mission");
  if (mission.firstLaunchAt !== null && appliedDigest === spec.digest) {
    const before = gates.find(({ type, ok }) => type === "ContractApproved" && ok);
    return before ?? gate(true, "StartedBefore", "it had been started before approvals were asked for");
  }
  try {
    const found = await subjectsOn({ mission, clone: spec.digest }, parts, signal);
    if (found.length === 0)
      return gate(
        false,
        "ApprovalMissing",
        "what stands on the lane is neither what was approved nor what the repository says now: its clone has another declaration",
      );
    const said: string[] = [];
    for (const { subject, revision } of found) {
      const verdict = await approvals.judge({ ...subject, limits: mission.limits }, revision, signal);
      if (verdict.type !== "approved")
        return gate(
          false,
          verdict.type === "missing" ? "ApprovalMissing" : "ApprovalUnknown",
          verdict.message,
        );
      said.push(verdict.message);
    }
    return gate(true, "Approved", [...new Set(said)].join("; "));
  } catch (error) {
    if (signal.aborted) throw error;
    return gate(false, "ApprovalUnknown", asFactoryError(error).message);
  }
}

interface Found {
  readonly subject: Subject;
  readonly revision: string;
}

/**
 * What the lane holds, at the commit that was assigned and at the one that is obeyed: each of the two may have brought a part of it,
 * and one of them has to have all of it. None: neither has.
 */
async function subjectsOn(
  { mission, clone }: { readonly mission: MissionState; readonly clone: string },
  {
    approvals,
    desired,
  }: { readonly approvals: Pick<Approvals, "subjectsAt">; readonly desired: () => DesiredState | null },
  signal: AbortSignal,
): Promise<readonly Found[]> {
  const now = desired();
  const name = `mission/${mission.name}`;
  const ours = (subject: Subject | undefined): subject is Subject =>
    subject?.facts.contract === mission.contractHash;
  const found: Found[] = [];
  const obeyed = now?.subjects?.get(name);
  if (now !== null && ours(obeyed)) found.push({ subject: obeyed, revision: now.revision });
  const assigned =
    mission.revision === now?.revision
      ? undefined
      : (await approvals.subjectsAt(mission.revision, signal))?.get(name);
  if (ours(assigned) && assigned.digest !== obeyed?.digest)
    found.push({ subject: assigned, revision: mission.revision });
  return found.some(({ subject }) => subject.facts.clone === clone) ? found : [];
}
