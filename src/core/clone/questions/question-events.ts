/** Questions to people: each event of it, what it does and how it reads. */

import { actorText } from "../../model/actor.ts";
import type { EventRules } from "../event-rules.ts";
import { onReminded, onRequestDecided } from "./decide-request.ts";
import { onAcknowledged } from "./requests.ts";

export const QUESTION_EVENTS: EventRules<"request.acknowledged" | "request.decided" | "request.reminded"> = {
  "request.acknowledged": {
    on: onAcknowledged,
    describe: (event) => `${event.request} acknowledged by ${actorText(event.by)}`,
  },
  "request.decided": {
    on: onRequestDecided,
    describe: (event) =>
      `${event.request} decided by ${actorText(event.by)}: ${event.decision.type}${event.reason === "" ? "" : `, ${event.reason}`}`,
  },
  "request.reminded": {
    on: onReminded,
    describe: (event) => `${event.request} still waits for an answer`,
  },
};
