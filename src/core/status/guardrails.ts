import type { Measures } from "../fleet/guardrails/measure.ts";
import type { FleetPolicy } from "../model/desired.ts";
import type { Breach, Pin, RollbackState, Turn } from "../model/guardrail.ts";
import { type Instant, iso } from "../model/time.ts";
import type { InboxItem } from "./view.ts";

/** What a fleet measures against what `fleet.yaml` allows, and whether it is rolled back. */
export interface GuardrailsView {
  readonly mode: "normal" | "in_core_only";
  /** What sets the mode. */
  readonly because: string;
  readonly measures: Measures;
  readonly thresholds: FleetPolicy["guardrails"];
  readonly breaches: readonly (Breach & { readonly since: Instant; readonly tripsAt: Instant })[];
  readonly pin: Pin | null;
  /** Newest last. */
  readonly turns: readonly Turn[];
}

export function guardrailsView(parts: {
  readonly state: RollbackState;
  readonly measures: Measures;
  readonly breaches: readonly Breach[];
  readonly policy: FleetPolicy;
  readonly now: Instant;
}): GuardrailsView {
  const { state, measures, breaches, policy, now } = parts;
  const { pin } = state;
  const declared = policy.mode === "in_core_only";
  return {
    mode: declared || pin !== null ? "in_core_only" : "normal",
    because: declared
      ? "fleet.yaml says in_core_only"
      : pin === null
        ? "fleet.yaml says normal"
        : `${pin.id} tripped at ${iso(pin.at)}`,
    measures,
    thresholds: policy.guardrails,
    breaches: breaches.map((breach) => {
      const since = state.since[breach.guardrail] ?? now;
      return { ...breach, since, tripsAt: since + policy.guardrails.sustainedMinutes * 60_000 };
    }),
    pin,
    turns: state.turns,
  };
}

/** A tripped guardrail waits for people: the way back is a reviewed change. */
export function guardrailItems({ pin }: RollbackState): readonly InboxItem[] {
  if (pin === null) return [];
  const merge =
    pin.proposal === null
      ? "its proposal is being pushed"
      : `merge ${pin.proposal.branch} to make it permanent`;
  return [
    {
      id: `fleet.guardrail.${pin.id}`,
      severity: "critical",
      kind: "guardrail",
      subject: "fleet",
      since: pin.at,
      message: `rolled back to in-core execution: ${pin.breaches.map(({ message }) => message).join("; ")}`,
      answers: pin.merged
        ? ["set `mode: normal` in fleet.yaml, in a reviewed change"]
        : [
            merge,
            `or set \`guardrails.lift: ${pin.id}\` in fleet.yaml, in a reviewed change`,
            "factory guardrails",
          ],
    },
  ];
}
