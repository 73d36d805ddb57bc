/** What people look at: made of what the controller knows at this moment, by `core/status`. */

import { DEFAULT_FLEET_POLICY, type FleetPolicy } from "../../core/model/desired.ts";
import { type CallbackFacts, deadLettersOf, shimLettersOf } from "../../core/status/callbacks.ts";
import { cloneView, type FleetSnapshot, fleetView, missionViews } from "../../core/status/fleet.ts";
import { guardrailsView } from "../../core/status/guardrails.ts";
import { inboxOf } from "../../core/status/inbox.ts";
import type { MachineFacts } from "../../core/status/machine-problem.ts";
import { rolloutView } from "../../core/status/rollouts.ts";
import { trendsOf } from "../../core/status/trends.ts";
import { whyView } from "../../core/status/why.ts";
import type { Clock } from "../../ports/clock.ts";
import type { OperationHandlers, ProgramFacts } from "../../ports/control-plane.ts";
import type { Descriptors } from "../../ports/descriptors.ts";
import type { KillSwitch } from "../fleet/kill-switch.ts";
import type { Rollback } from "../fleet/rollback.ts";
import type { Rollouts } from "../fleet/rollouts.ts";
import type { NoticeOutbox } from "../notices/outbox.ts";
import type { FleetRight } from "../record/fleet-right.ts";
import type { Recorder } from "../record/recorder.ts";
import type { Reviews } from "../reviews/reviews.ts";

export interface ViewParts {
  readonly program: ProgramFacts;
  readonly recorder: Recorder;
  readonly killSwitch: Pick<KillSwitch, "view" | "unknown">;
  /** Default: nobody looks. */
  readonly descriptors?: Descriptors;
  /** Of `fleet.yaml` as it was read last; null before. */
  policy(): FleetPolicy | null;
  readonly rollback: Rollback;
  readonly rollouts: Rollouts;
  readonly outbox: NoticeOutbox;
  readonly clock: Clock;
  /** Null: nothing is reviewed by this program. */
  readonly reviews: Pick<Reviews, "view" | "takeDelivery"> | null;
  readonly fleetRight: Pick<FleetRight, "standing">;
  fleetSnapshot(): FleetSnapshot;
}

export function machineFacts({
  descriptors,
  killSwitch,
}: Pick<ViewParts, "descriptors" | "killSwitch">): MachineFacts {
  return { descriptors: descriptors?.problem() ?? null, killSwitch: killSwitch.unknown() };
}

export function viewsOf(
  parts: ViewParts,
): Pick<
  OperationHandlers,
  | "fleet"
  | "mission"
  | "clone"
  | "why"
  | "inbox"
  | "guardrails"
  | "rollouts"
  | "scorecards"
  | "killSwitch"
  | "deadLetters"
  | "version"
> {
  const { recorder, rollback, clock, fleetSnapshot } = parts;

  function callbacks(): CallbackFacts {
    return { destinations: parts.outbox.destinations(), deadLetters: deadLetters() };
  }

  function deadLetters() {
    return [...deadLettersOf(recorder.outbox.values()), ...shimLettersOf(recorder.states.values())];
  }

  return {
    fleet: () =>
      fleetView({ ...fleetSnapshot(), callbacks: callbacks(), forge: parts.reviews?.view() ?? null }),
    mission: ({ name }) => missionViews(fleetSnapshot()).find((mission) => mission.name === name) ?? null,
    clone({ name }) {
      const state = recorder.states.get(name);
      return state === undefined ? null : cloneView(state, fleetSnapshot());
    },
    why: ({ name }) => whyView(name, fleetSnapshot()),
    inbox: () => ({
      items: inboxOf({
        ...fleetSnapshot(),
        callbacks: callbacks(),
        record: recorder.problem(),
        machine: machineFacts(parts),
        right: { standing: parts.fleetRight.standing(), touched: recorder.fleet.record.touched ?? [] },
      }),
    }),
    guardrails: () =>
      guardrailsView({
        state: rollback.state(),
        measures: rollback.measures(),
        breaches: rollback.breaches(),
        policy: parts.policy() ?? DEFAULT_FLEET_POLICY,
        now: clock.now(),
      }),
    rollouts: () => ({ rollouts: parts.rollouts.all().map(rolloutView) }),
    scorecards: ({ since }) => trendsOf(recorder.states.values(), since, clock.now()),
    killSwitch: () => parts.killSwitch.view(),
    deadLetters: () => ({ letters: deadLetters() }),
    version: () => parts.program,
  };
}
