/** Pauses and ends: each event of it, what it does and how it reads. */

import type { EventRules } from "../event-rules.ts";
import { onPaused, onResumed } from "../health/sightings.ts";
import { stay } from "../step.ts";
import { onPauseFailed, onPausing } from "./pause.ts";
import { onStopFailed, onStopFinished } from "./stop.ts";
import { onTraceSaved } from "./trace.ts";

export const STOP_EVENTS: EventRules<
  | "instance.pausing"
  | "instance.paused"
  | "pause.failed"
  | "instance.resumed"
  | "stop.finished"
  | "stop.failed"
  | "trace.saved"
  | "trace.failed"
> = {
  "instance.pausing": {
    on: onPausing,
    describe: (event) => `epoch ${event.epoch} was told to pause and has its grace`,
  },
  "instance.paused": {
    on: onPaused,
    describe: (event) => `epoch ${event.epoch} paused`,
  },
  "pause.failed": {
    on: onPauseFailed,
    describe: (event) =>
      `epoch ${event.epoch} could not be made to stand still and is ended: ${event.message}`,
  },
  "instance.resumed": {
    on: onResumed,
    describe: (event) => `epoch ${event.epoch} resumed`,
  },
  "stop.finished": {
    on: onStopFinished,
    describe: ({ epoch, proof }) =>
      proof.unproven === undefined
        ? `epoch ${epoch} is dead (${proof.rung}, ${proof.containment}): ${proof.evidence}`
        : `epoch ${epoch} has ended (${proof.rung}, ${proof.containment}), its death is unproven: ${proof.unproven}; looked at: ${proof.evidence}`,
  },
  "stop.failed": {
    on: onStopFailed,
    describe: (event) => `epoch ${event.epoch} could not be proven dead: ${event.message}`,
  },
  "trace.saved": {
    on: onTraceSaved,
    describe: (event) =>
      `trace bundle of epoch ${event.bundle.epoch} kept (${event.bundle.cause}): ${event.bundle.path}, ${event.bundle.digest.slice(0, 19)}…`,
  },
  "trace.failed": {
    on: (state) => stay(state),
    describe: (event) => `no trace bundle could be kept: ${event.message}`,
  },
};
