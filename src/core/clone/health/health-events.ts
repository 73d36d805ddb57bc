/** What is seen and heard of an instance: each event of it, what it does and how it reads. */

import type { EventRules } from "../event-rules.ts";
import { onCallbackUp, onGap, onPullDue, onPulled, onReportsRefused } from "./callback.ts";
import { onTried } from "./recovery-ladder.ts";
import { onAdopted, onConfigured, onGone, onHealth, onStray } from "./sightings.ts";

export const HEALTH_EVENTS: EventRules<
  | "instance.configured"
  | "instance.adopted"
  | "instance.gone"
  | "stray.found"
  | "health.changed"
  | "recovery.tried"
  | "callback.gap"
  | "callback.restored"
  | "callback.pull_due"
  | "callback.up"
  | "callback.refused"
> = {
  "instance.configured": {
    on: onConfigured,
    describe: (event) => `epoch ${event.epoch} beats every ${event.heartbeatIntervalMs / 1000} s`,
  },
  "instance.adopted": {
    on: onAdopted,
    describe: (event) => `epoch ${event.epoch} adopted`,
  },
  "instance.gone": {
    on: onGone,
    describe: (event) => event.evidence,
  },
  "stray.found": {
    on: onStray,
    describe: (event) => event.evidence,
  },
  "health.changed": {
    on: onHealth,
    describe: (event) => `epoch ${event.epoch} is ${event.health}: ${event.evidence}`,
  },
  "recovery.tried": {
    on: onTried,
    describe: (event) =>
      `${event.rung} of epoch ${event.epoch} ${event.ok ? "done" : "failed"}: ${event.evidence}`,
  },
  "callback.gap": {
    on: onGap,
    describe: (event) => `report ${event.expectedSeq} is missing, ${event.seenSeq} arrived`,
  },
  "callback.restored": {
    on: onPulled,
    describe: (event) => `reports complete through ${event.throughSeq}`,
  },
  "callback.pull_due": {
    on: onPullDue,
    describe: (event) => event.evidence,
  },
  "callback.up": {
    on: onCallbackUp,
    describe: (event) => event.evidence,
  },
  "callback.refused": {
    on: onReportsRefused,
    describe: (event) =>
      `${event.seen} reports of epoch ${event.epoch} were refused and set aside by its shim`,
  },
};
