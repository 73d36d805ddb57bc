import type { FleetEventOf, FleetEventType } from "../model/fleet-event.ts";
import type { Instant } from "../model/time.ts";

/** Why an event changed nothing. */
export interface Ignored {
  readonly ignored: string;
}

/** One kind of event: what it means for a part of the fleet's state, and what it says, as one line for people. */
export interface FleetRule<Part, Type extends FleetEventType> {
  /** Pure. One that came too late or twice answers why it changes nothing. */
  readonly on: (part: Part, event: FleetEventOf<Type>, at: Instant) => Part | Ignored;
  readonly describe: (event: FleetEventOf<Type>) => string;
}

/** Everything that can happen to one part of the fleet's state. */
export type FleetRules<Part, Type extends FleetEventType> = {
  readonly [One in Type]: FleetRule<Part, One>;
};

export function ignored(because: string): Ignored {
  return { ignored: because };
}

export function isIgnored(answer: unknown): answer is Ignored {
  return typeof answer === "object" && answer !== null && "ignored" in answer;
}

/** What a part is after events of one moment. Those that change nothing leave it the same object. */
export function foldPart<Part, Type extends FleetEventType>(
  rules: FleetRules<Part, Type>,
  part: Part,
  { events, at }: { readonly events: readonly FleetEventOf<Type>[]; readonly at: Instant },
): Part {
  return events.reduce((before, event) => {
    const rule = rules[event.type as Type] as FleetRule<Part, Type>;
    const answer = rule.on(before, event, at);
    return isIgnored(answer) ? before : answer;
  }, part);
}
