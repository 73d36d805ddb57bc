import type { CloneState } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import { postmortemPath } from "../model/postmortem.ts";
import { type Held, type PlanStepDraft, stepOn } from "./step.ts";

/** Missions that wait for a postmortem, against the postmortems that are merged. */
export function planPostmortems(
  desired: DesiredState | null,
  states: ReadonlyMap<string, CloneState>,
): { readonly close: readonly PlanStepDraft[]; readonly held: readonly Held[] } {
  const close: PlanStepDraft[] = [];
  const held: Held[] = [];
  for (const state of states.values()) {
    const { mission } = state;
    if (state.phase !== "Postmortem" || mission === null) continue;
    const file = postmortemPath(mission.missionId);
    const wait = (reason: string, message: string): number =>
      held.push({ subject: `mission/${mission.name}`, step: "close", reason, message });
    if (desired === null) {
      wait("PostmortemUnread", `the repository cannot be read, so it is not known whether ${file} is merged`);
      continue;
    }
    const merged = desired.postmortems.get(mission.missionId);
    if (merged === undefined) {
      wait(
        "PostmortemMissing",
        `closure waits for ${file}; its skeleton is missions/${mission.name}/postmortem.md on the status branch`,
      );
    } else if (merged.missing.length > 0) {
      wait("PostmortemIncomplete", `${file} is merged and not complete: ${merged.missing.join("; ")}`);
    } else {
      const { digest, author, reviewedBy } = merged;
      close.push(
        stepOn(state, {
          type: "close",
          why: { trigger: `commit ${desired.revision.slice(0, 12)}`, to: digest },
          event: {
            type: "postmortem.merged",
            missionId: mission.missionId,
            postmortem: { revision: desired.revision, file: merged.file, digest, author, reviewedBy },
          },
        }),
      );
    }
  }
  return { close, held };
}
