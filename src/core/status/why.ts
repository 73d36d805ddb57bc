import { metersOf } from "../clone/spending/budget.ts";
import type { CloneState } from "../model/clone-state.ts";
import type { ConditionType } from "../model/condition.ts";
import type { Hold } from "../model/hold.ts";
import { ANSWER_FLAG, type Request } from "../model/request.ts";
import type { Instant } from "../model/time.ts";
import type { Held } from "../plan/step.ts";
import { actionSteps } from "./action-summary.ts";
import { conductSteps } from "./conduct.ts";
import type { FleetSnapshot } from "./fleet.ts";
import { laneOf } from "./lane.ts";
import { livenessStep } from "./liveness.ts";
import type { WhyStep, WhyView } from "./view.ts";

/**
 * Why a mission or a clone does or does not run: a headline, then every gate and hold that was asked, in order.
 * Null for a name that nobody has.
 */
export function whyView(name: string, fleetSnapshot: FleetSnapshot): WhyView | null {
  const { desired, states } = fleetSnapshot;
  const state = laneOf(name, fleetSnapshot);
  const held = fleetSnapshot.held.filter(({ subject }) =>
    [`mission/${name}`, `clone/${name}`, `clone/${state?.name ?? ""}`, "fleet"].includes(subject),
  );
  const isClone = states.has(name) || desired?.clones.has(name) === true;
  const declared = desired?.missions.has(name) === true || desired?.broken.has(`mission/${name}`) === true;
  if (state === null && !declared && !isClone && held.length === 0) return null;
  const { runs, text } = headline(name, state, held);
  return {
    subject: name,
    kind: isClone ? "clone" : "mission",
    runs,
    headline: text,
    steps: whySteps(state, held, fleetSnapshot.now),
    provenance: state?.spec?.provenance ?? {},
    recent: state?.recent ?? [],
  };
}

/** Sections of the runbook in the order in which they are asked. */
const STEPS: readonly { readonly type: ConditionType; readonly step: string; readonly next: string }[] = [
  { type: "Identified", step: "3.1", next: "declare the clone in clones/<name>.yaml" },
  {
    type: "BaselineApplied",
    step: "3.2",
    next: "correct the baseline that the clone names; it is tried again by itself",
  },
  {
    type: "OverlayApplied",
    step: "3.3",
    next: "correct the overlays that the clone names; it is tried again by itself",
  },
  {
    type: "SecretsVerified",
    step: "3.4",
    next: "make the named variables or files available to the controller",
  },
  {
    type: "ContractApproved",
    step: "4.1",
    next: "have it approved as it says; it is looked at again by itself",
  },
  { type: "EnvelopeValid", step: "4.1", next: "correct the mission's contract and raise `spec.run`" },
  { type: "WithinWindow", step: "4.2", next: "wait for the window, or change `spec.autonomy_window`" },
  {
    type: "WithinBudget",
    step: "4.2",
    next: "`factory inbox` shows the question; a higher `spec.budget` answers it, too",
  },
  { type: "KillSwitchArmed", step: "4.3", next: "see `factory doctor` for what this machine offers" },
  {
    type: "CallbackReachable",
    step: "3.5",
    next: "see that the instance can reach the controller's address",
  },
  { type: "Healthy", step: "3.6", next: "correct what the health check found" },
  { type: "Accepted", step: "4.4", next: "look at `factory logs`" },
  { type: "HeartbeatFresh", step: "4.5", next: "nothing: recovery goes on by itself" },
];

/** Every gate and hold with its evidence, also those that are met, so that a reader sees what was looked at. */
export function whySteps(
  state: CloneState | null,
  held: readonly Held[],
  at: Instant | null = null,
): readonly WhyStep[] {
  const steps: WhyStep[] = [];
  for (const other of held) {
    steps.push({
      step: "plan",
      name: other.step,
      ok: false,
      reason: other.reason,
      evidence: other.message,
      since: null,
      next: null,
    });
  }
  if (state === null) return steps;
  for (const { type, step, next } of STEPS) {
    const condition = state.conditions.find((other) => other.type === type);
    if (condition === undefined) continue;
    const ok = condition.status === "Unknown" ? null : condition.status === "True";
    steps.push({
      step,
      name: type,
      ok,
      reason: condition.reason,
      evidence: condition.message,
      since: condition.since,
      next: ok === false ? next : null,
    });
  }
  if (at !== null) steps.push(...meterSteps(state, at));
  steps.push(...conductSteps(state));
  const recovery = livenessStep(state);
  if (recovery !== null) steps.push(recovery);
  for (const hold of state.holds) steps.push(holdStep(hold, state.requests));
  steps.push(...actionSteps(state));
  return steps;
}

/** How far each limit is used, who says so, and how far that is to be trusted. */
function meterSteps(state: CloneState, at: Instant): WhyStep[] {
  return metersOf(state, at).map(({ meter, trust, text, known }) => ({
    step: "4.2",
    name: meter,
    ok: known ? true : null,
    reason: `Meter${trust.slice(0, 1).toUpperCase()}${trust.slice(1)}`,
    evidence: text,
    since: null,
    next: null,
  }));
}

export function headline(
  name: string,
  state: CloneState | null,
  held: readonly Held[],
): { runs: boolean; text: string } {
  const runs = state?.phase === "Running" && state.holds.length === 0 && state.mission !== null;
  if (runs) return { runs, text: `${name} runs: ${state.mission?.summary ?? ""}` };
  const end = state?.mission?.terminal;
  if (state?.phase === "Postmortem") {
    const missing = held.find((one) => one.step === "close")?.message;
    const { requests } = state;
    const asked = requests.find(({ kind }) => kind === "postmortem")?.summary;
    return {
      runs,
      text: `${name} is over (${end?.status}) and is not closed yet: ${missing ?? asked ?? "a postmortem is waited for"}`,
    };
  }
  if (end != null)
    return { runs, text: `${name} is over (${end.status}) and is being closed: ${end.reason}` };
  const hold = state?.holds[0];
  if (hold !== undefined) return { runs, text: `${name} does not run: hold ${hold.kind}, ${hold.message}` };
  const blocker = held[0];
  if (blocker !== undefined) return { runs, text: `${name} does not run: ${blocker.message}` };
  if (state === null) return { runs, text: `${name} does not run: nothing is known about it` };
  if (state.mission === null) {
    const last = state.past.at(-1);
    if (last !== undefined)
      return { runs, text: `${name} does not run: ${last.name} run ${last.run} is closed, ${last.outcome}` };
    return { runs, text: `${name} does not run: no mission is assigned to it` };
  }
  const gate = state.gates.find((other) => !other.ok);
  if (gate !== undefined)
    return { runs, text: `${name} does not run yet: ${gate.type} is not met, ${gate.evidence}` };
  return {
    runs,
    text: `${name} is ${state.phase}${state.lastFailure === null ? "" : ` after: ${state.lastFailure}`}`,
  };
}

function holdStep(hold: Hold, requests: readonly Request[]): WhyStep {
  const asked = requests.find((open) => open.hold?.kind === hold.kind && open.hold.owner === hold.owner);
  const until = hold.until === undefined ? "" : ` by itself at ${new Date(hold.until).toISOString()}, or`;
  const who: Record<Hold["clearBy"], string> = {
    operator: "`factory resume` clears it",
    decision:
      asked === undefined
        ? "the answer to its question clears it: `factory inbox`"
        : `an answer clears it: ${asked.answers.map((one) => `\`factory decide ${asked.id} ${ANSWER_FLAG[one]}\``).join(" or ")}`,
    repository: "a change of the mission's file clears it",
    supervisor: "it is cleared when its reason is gone",
    anyone: "`factory resume` or a changed declaration clears it",
  };
  return {
    step: "hold",
    name: hold.kind,
    ok: false,
    reason: hold.reason,
    evidence: `${hold.message} (placed by ${hold.owner})`,
    since: hold.since,
    next: `${until} ${who[hold.clearBy]}`.trim(),
  };
}
