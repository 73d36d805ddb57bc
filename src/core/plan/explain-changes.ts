/** What a plan stops and what it changes, with the class of every field. */
import type { PlanStepType } from "./buckets.ts";
import type { Plan } from "./plan.ts";
import type { PlanStepDraft } from "./step.ts";

export interface PlannedStop {
  readonly mission: string | null;
  readonly clone: string;
  readonly step: PlanStepType;
  readonly reason: string;
}

/** How a changed field takes effect on a clone that is busy (design section 9). */
export type FieldClass = "hot" | "turn" | "restart_resume" | "replace" | "forbidden";

export interface PlannedChange {
  /** `clone/<name>` or `mission/<name>`. */
  readonly subject: string;
  readonly step: PlanStepType;
  readonly fields: readonly { readonly field: string; readonly class: FieldClass }[];
  readonly from: string | null;
  readonly to: string | null;
  /** When it takes effect, as a phrase. */
  readonly effect: string;
}

export function stopsOf(steps: readonly PlanStepDraft[]): PlannedStop[] {
  return steps
    .flatMap(({ type, clone, mission, event, why }): PlannedStop[] => {
      const stop = (reason: string): PlannedStop[] => [{ mission, clone, step: type, reason }];
      switch (type) {
        case "withdraw":
        case "prune":
          return stop(why.trigger);
        case "replace":
          return stop("its declaration changed before its mission was accepted");
        case "stop":
          return stop(
            event.type === "mission.limits_changed" && event.limits.kill_switch.engaged
              ? "its kill switch is engaged"
              : "cancelled in its file",
          );
        default:
          return [];
      }
    })
    .sort(by((stop) => `${stop.clone} ${stop.step}`));
}

/** Also what waits for its rollout: a reviewer reads what it comes to, and when. */
export function changesOf(plan: Plan, stops: readonly PlannedStop[]): PlannedChange[] {
  const rolling = plan.held.flatMap(({ waiting }) =>
    waiting !== undefined && DECLARING.has(waiting.type)
      ? changeOf(waiting, "when the rollout of its group comes to it")
      : [],
  );
  const changes = [...plan.steps.flatMap((step) => changeOf(step, effectOf(step))), ...rolling];
  const pruned = new Set(stops.filter((stop) => stop.step === "prune").map(({ clone }) => `clone/${clone}`));
  return changes.filter(({ subject }) => !pruned.has(subject)).sort(by((change) => change.subject));
}

const DECLARING: ReadonlySet<PlanStepType> = new Set(["declare", "update", "replace"]);

function changeOf({ type, clone, mission, why }: PlanStepDraft, effect: string): PlannedChange[] {
  if (DECLARING.has(type)) {
    const fields = why.fields.map((field) => ({ field, class: fieldClass(field) }));
    return [{ subject: `clone/${clone}`, step: type, fields, from: why.from, to: why.to, effect }];
  }
  if (type !== "limit") return [];
  const fields = why.fields.map((field) => ({ field, class: "hot" as const }));
  return [{ subject: `mission/${mission}`, step: type, fields, from: null, to: null, effect: "at once" }];
}

function effectOf({ type, mission, why }: PlanStepDraft): string {
  if (why.from === null) return "new";
  if (type === "replace") return "at once: it is started again";
  return mission === null ? "with its next start" : "when its present instance has ended";
}

const CLASSES: readonly (readonly [RegExp, FieldClass])[] = [
  [/^name$/, "forbidden"],
  [/^(runtime|baseline)(\.|$)/, "replace"],
  [/^(workspaceDigest|overlays|approvalRequired)(\.|$)/, "turn"],
  [/^(agent|secrets|healthChecks|orphanPolicy)(\.|$)/, "restart_resume"],
];

/** Design section 9: what a change of this field of a clone's resolved spec takes. */
export function fieldClass(field: string): FieldClass {
  return CLASSES.find(([pattern]) => pattern.test(field))?.[1] ?? "hot";
}

function by<T>(key: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
}
