/** What is declared and ordered: each event of it, what it does and how it reads. */
import { actorText } from "../model/actor.ts";
import { onDeadline } from "./deadline.ts";
import {
  onAssigned,
  onDeclared,
  onHoldPlaced,
  onHoldReleased,
  onKill,
  onLimitsChanged,
  onMissionWithdrawn,
  onWithdrawn,
} from "./declarations.ts";
import type { EventRules } from "./event-rules.ts";
import { shortId } from "./event-rules.ts";

export const DECLARATION_EVENTS: EventRules<
  | "clone.declared"
  | "clone.withdrawn"
  | "mission.assigned"
  | "mission.limits_changed"
  | "mission.withdrawn"
  | "hold.placed"
  | "hold.released"
  | "kill.requested"
  | "deadline.passed"
> = {
  "clone.declared": {
    on: onDeclared,
    describe: (event) =>
      `declared at ${shortId(event.spec.revision)}, digest ${shortId(event.spec.digest.replace("sha256:", ""))}`,
  },
  "clone.withdrawn": {
    on: onWithdrawn,
    describe: (event) => `${event.reason} at ${shortId(event.revision)}`,
  },
  "mission.assigned": {
    on: onAssigned,
    describe: (event) =>
      `mission ${event.mission.name} (run ${event.mission.contract.run}) assigned, contract ${shortId(event.mission.contractHash.replace("sha256:", ""))}`,
  },
  "mission.limits_changed": {
    on: onLimitsChanged,
    describe: (event) =>
      `limits changed at ${shortId(event.revision)}: state ${event.limits.state}, kill switch ${event.limits.kill_switch.engaged ? "engaged" : "free"}, ${event.limits.budget.max_runtime_minutes} min`,
  },
  "mission.withdrawn": {
    on: onMissionWithdrawn,
    describe: (event) => `${event.reason} at ${shortId(event.revision)}`,
  },
  "hold.placed": {
    on: onHoldPlaced,
    describe: (event) => `hold ${event.hold.kind} by ${actorText(event.by)}: ${event.hold.message}`,
  },
  "hold.released": {
    on: onHoldReleased,
    describe: (event) => `hold ${event.kind} released by ${actorText(event.by)}: ${event.reason}`,
  },
  "kill.requested": {
    on: onKill,
    describe: (event) => `kill${event.now ? " now" : ""} by ${actorText(event.by)}: ${event.reason}`,
  },
  "deadline.passed": {
    on: onDeadline,
    describe: (event) => event.evidence,
  },
};
