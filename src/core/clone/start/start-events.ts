/** From a declaration to a working agent: each event of it, what it does and how it reads. */

import type { EventRules } from "../event-rules.ts";
import { onWindowEnded } from "../health/sightings.ts";
import { onTurnReached } from "./drift.ts";
import { onHandedOver, onHandoverFailed, onHandoverPlanned } from "./handover.ts";
import {
  onDispatched,
  onDispatchFailed,
  onLaunched,
  onLaunchFailed,
  onPrepareFinished,
  onStartPlanned,
} from "./launch.ts";
import { onRestored } from "./restore.ts";

export const START_EVENTS: EventRules<
  | "clone.restored"
  | "start.planned"
  | "handover.planned"
  | "handover.finished"
  | "handover.failed"
  | "prepare.finished"
  | "instance.launched"
  | "instance.launch_failed"
  | "dispatch.finished"
  | "dispatch.failed"
  | "turn.reached"
  | "window.ended"
> = {
  "clone.restored": {
    on: onRestored,
    describe: (event) => `the record was rebuilt: ${event.evidence}`,
  },
  "start.planned": {
    on: (state, _event, at) => onStartPlanned(state, at),
    describe: (event) => `start: ${event.why}`,
  },
  "handover.planned": {
    on: onHandoverPlanned,
    describe: (event) => `offered to the in-core lane at ${event.url}`,
  },
  "handover.finished": {
    on: onHandedOver,
    describe: (event) => `taken by the in-core lane: ${event.evidence}`,
  },
  "handover.failed": {
    on: onHandoverFailed,
    describe: (event) => `refused by the in-core lane: ${event.message}`,
  },
  "prepare.finished": {
    on: onPrepareFinished,
    describe: (event) =>
      event.gates.map((gate) => `${gate.type} ${gate.ok ? "met" : `not met: ${gate.evidence}`}`).join("; "),
  },
  "instance.launched": {
    on: onLaunched,
    describe: (event) => `epoch ${event.epoch} launched, containment ${event.handle.containment}`,
  },
  "instance.launch_failed": {
    on: onLaunchFailed,
    describe: (event) => `epoch ${event.epoch} not launched: ${event.message}`,
  },
  "dispatch.finished": {
    on: onDispatched,
    describe: (event) => `mission handed to epoch ${event.epoch}`,
  },
  "dispatch.failed": {
    on: onDispatchFailed,
    describe: (event) => `mission not handed to epoch ${event.epoch}: ${event.message}`,
  },
  "turn.reached": {
    on: onTurnReached,
    describe: (event) => `epoch ${event.epoch} is between two turns: ${event.evidence}`,
  },
  "window.ended": {
    on: onWindowEnded,
    describe: (event) => event.evidence,
  },
};
