import { templateConditions } from "../clone/closing/template.ts";
import { repositoryAt } from "../model/actor.ts";
import type { DesiredClone } from "../model/clone.ts";
import type { CloneState, ClosedMission } from "../model/clone-state.ts";
import type { DesiredState } from "../model/desired.ts";
import { type Held, type PlanStepDraft, stepOn } from "./step.ts";

/** Closures that nobody has decided, against what the files of their clones say of them: what was merged is decided. */
export function planClosureDecisions(
  desired: DesiredState | null,
  states: ReadonlyMap<string, CloneState>,
): { readonly close: readonly PlanStepDraft[]; readonly held: readonly Held[] } {
  const close: PlanStepDraft[] = [];
  const held: Held[] = [];
  for (const clone of desired?.clones.values() ?? []) {
    const state = states.get(clone.name);
    if (desired === null || state === undefined) continue;
    const found = declaredDecision(state, clone);
    if (found === null) continue;
    const { closed, decision } = found;
    const unmet =
      decision === "template"
        ? templateConditions(closed, desired.fleet.guardrails.maxInterventionsPerMission).find(
            ({ ok }) => !ok,
          )
        : undefined;
    if (unmet !== undefined) {
      held.push({
        subject: `clone/${clone.name}`,
        step: "close",
        reason: "TemplateRefused",
        message: `its file makes a template of ${closed.name} run ${closed.run}, and ${unmet.evidence}; write \`decision: standby\` or \`state: retired\` instead`,
      });
      continue;
    }
    const { revision } = desired;
    close.push({
      ...stepOn(state, {
        type: "close",
        why: { trigger: `commit ${revision.slice(0, 12)}`, to: decision },
        event: {
          type: "closure.decided",
          missionId: closed.missionId,
          decision,
          by: repositoryAt(revision),
        },
      }),
      mission: closed.name,
    });
  }
  return { close, held };
}

/** What a clone's file decides that is not decided on record; null: nothing. */
export function declaredDecision(
  { past, mission }: Pick<CloneState, "past" | "mission">,
  { state, closureDecision }: Pick<DesiredClone, "state" | "closureDecision">,
): { readonly closed: ClosedMission; readonly decision: "retire" | "standby" | "template" } | null {
  const newest = past.at(-1);
  const isOpen = newest?.decision === "undecided" && newest.archivedAt === null;
  if (state === "retired")
    return newest !== undefined && isOpen && mission === null ? { closed: newest, decision: "retire" } : null;
  const named = past.find(
    ({ name, run, decision }) =>
      name === closureDecision?.mission && run === closureDecision.run && decision === "undecided",
  );
  return named === undefined || closureDecision === undefined
    ? null
    : { closed: named, decision: closureDecision.decision };
}
