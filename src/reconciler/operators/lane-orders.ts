/** What operators may do to one lane by hand: recorded like everything else, with who and why. */

import { type Actor, ownerText, shortName } from "../../core/model/actor.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import { type Instant, iso } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { OperationHandlers, OrderAnswer } from "../../ports/control-plane.ts";
import type { KillSwitch } from "../fleet/kill-switch.ts";
import { conflict, type Judged, type Lanes, orderOnLane, unknownSubject } from "./lane-order.ts";

export interface LaneOrderParts extends Lanes {
  readonly clock: Clock;
  readonly killSwitch: Pick<KillSwitch, "kill">;
}

export function laneOrders(
  parts: LaneOrderParts,
): Pick<OperationHandlers, "pause" | "resume" | "kill" | "message"> {
  return {
    pause: (asked, by) =>
      orderOnLane(parts, asked.name, () => pause({ ...asked, by, now: parts.clock.now() })),
    resume: (asked, by) => orderOnLane(parts, asked.name, (state) => resume(state, { ...asked, by })),
    message: (asked, by) => orderOnLane(parts, asked.name, (state) => message(state, { ...asked, by })),
    kill: (asked, by) => kill(parts, { ...asked, by }),
  };
}

interface Asked {
  readonly name: string;
  readonly reason: string;
  readonly by: Actor;
}

function pause(asked: Asked & { readonly until?: Instant | undefined; readonly now: Instant }): Judged {
  const { name, reason, until, by, now } = asked;
  if (until !== undefined && until <= now)
    return `${iso(until)} is over; give a moment that is still to come`;
  const owner = ownerText(by);
  return {
    events: [
      {
        type: "hold.placed",
        by,
        hold: {
          kind: "operator",
          owner,
          since: now,
          reason: "PausedByHand",
          message: `paused by ${shortName(by)}${reason === "" ? "" : `: ${reason}`}`,
          clearBy: "operator",
          ...(until === undefined ? {} : { until }),
        },
      },
    ],
    done: () => `${name} is paused${until === undefined ? "" : ` until ${iso(until)}`}`,
  };
}

/** Lifting a pause never lifts a quarantine: that takes a resume of its own. */
function resume(state: CloneState, { name, reason, by }: Asked): Judged {
  const pauses = state.holds.filter((hold) => hold.clearBy === "operator");
  const mine = pauses.length > 0 ? pauses : state.holds.filter((hold) => hold.clearBy === "anyone");
  const [other] = state.holds;
  if (mine.length === 0)
    return other === undefined
      ? `${name} is not held`
      : `${name} is held by ${other.kind}, which is not yours to clear: ${other.message}`;
  return {
    events: mine.map((hold) => ({
      type: "hold.released",
      kind: hold.kind,
      owner: hold.owner,
      by,
      reason: reason === "" ? "resumed by hand" : reason,
    })),
    done: ({ holds: [held] }) =>
      held === undefined
        ? `${name} is resumed`
        : `what was yours to clear is lifted; ${name} is still held: ${held.message}`,
  };
}

function message(
  state: CloneState,
  { name, text, by }: { readonly name: string; readonly text: string; readonly by: Actor },
): Judged {
  if (state.mission === null || state.mission.terminal !== null)
    return `${name} has no agent that could be sent a message: no mission is under way`;
  return {
    events: [{ type: "message.sent", by, text }],
    done: ({ phase }) =>
      phase === "Running"
        ? `the message goes to the agent of ${name}`
        : `the message goes to the agent of ${name} as soon as it runs`,
  };
}

/** Does not wait for a record that cannot be written. */
async function kill(
  parts: LaneOrderParts,
  { name, reason, now, by }: Asked & { readonly now: boolean },
): Promise<OrderAnswer> {
  const known = parts.lane(name)?.name;
  const state = known === undefined ? undefined : parts.recorder.states.get(known);
  if (known === undefined || state === undefined) return unknownSubject(name);
  if (state.mission === null && state.instance === null) return conflict(`${name} has nothing left to kill`);
  const how = await parts.killSwitch.kill(known, {
    type: "kill.requested",
    by,
    reason: reason === "" ? "by hand" : reason,
    now,
  });
  return {
    ok: true,
    message:
      how === "recorded"
        ? `${name} is being killed; \`factory status ${name}\` shows the proof`
        : `${name} is being killed although the record cannot be written; it is recorded as soon as it can be`,
  };
}
