/** What operators may do by hand: recorded like everything else, with who and why. */

import { actorText, operator } from "../../core/model/actor.ts";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import { iso } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ControlAnswer, ControlRequest, PauseRequest } from "../../ports/control-plane.ts";
import type { KillSwitch } from "../fleet/kill-switch.ts";
import type { Recorder } from "../record/recorder.ts";

export interface Control {
  pause(request: PauseRequest): Promise<ControlAnswer>;
  resume(request: ControlRequest): Promise<ControlAnswer>;
  /** Does not wait for a record that cannot be written. */
  kill(
    request: ControlRequest & { readonly now: boolean },
    killSwitch: Pick<KillSwitch, "kill">,
  ): Promise<ControlAnswer>;
  answer(request: Omit<ControlRequest, "reason"> & { readonly text: string }): Promise<ControlAnswer>;
}

export function createControl(parts: {
  recorder: Recorder;
  clock: Clock;
  /** The lane that a name means, also for a mission that is declared and has not got it yet. */
  lane: (name: string) => string | null;
}): Control {
  const { recorder, clock } = parts;

  async function act(
    request: ControlRequest,
    decide: (state: CloneState) => CloneEvent[] | string,
    done: string | ((after: CloneState) => string),
  ): Promise<ControlAnswer> {
    const lane = parts.lane(request.name);
    if (lane === null)
      return { ok: false, code: "not_found", message: `there is no mission or clone named ${request.name}` };
    let refusal: string | null = null;
    const { after } = await recorder.write(lane, (state) => {
      const events = decide(state);
      if (typeof events === "string") {
        refusal = events;
        return null;
      }
      return { events };
    });
    if (refusal !== null) return { ok: false, code: "conflict", message: refusal };
    return { ok: true, message: typeof done === "string" ? done : done(after) };
  }

  return {
    pause: (request) =>
      act(
        request,
        () => {
          const { until } = request;
          if (until !== undefined && until <= clock.now())
            return `${iso(until)} is over; give a moment that is still to come`;
          return [
            {
              type: "hold.placed",
              by: operator(request.actor),
              hold: {
                kind: "operator",
                owner: ownerOf(request),
                since: clock.now(),
                reason: "PausedByHand",
                message: `paused by ${request.actor}${request.reason === "" ? "" : `: ${request.reason}`}`,
                clearBy: "operator",
                ...(until === undefined ? {} : { until }),
              },
            },
          ];
        },
        `${request.name} is paused${request.until === undefined ? "" : ` until ${iso(request.until)}`}`,
      ),
    resume: (request) =>
      act(
        request,
        (state) => {
          // Lifting a pause never lifts a quarantine: that takes a resume of its own.
          const pauses = state.holds.filter((hold) => hold.clearBy === "operator");
          const mine = pauses.length > 0 ? pauses : state.holds.filter((hold) => hold.clearBy === "anyone");
          if (mine.length === 0) {
            const other = state.holds[0];
            return other === undefined
              ? `${request.name} is not held`
              : `${request.name} is held by ${other.kind}, which is not yours to clear: ${other.message}`;
          }
          return mine.map((hold) => ({
            type: "hold.released",
            kind: hold.kind,
            owner: hold.owner,
            by: operator(request.actor),
            reason: request.reason === "" ? "resumed by hand" : request.reason,
          }));
        },
        ({ holds }) =>
          holds[0] === undefined
            ? `${request.name} is resumed`
            : `what was yours to clear is lifted; ${request.name} is still held: ${holds[0].message}`,
      ),
    async kill(request, killSwitch) {
      const lane = parts.lane(request.name);
      const state = lane === null ? undefined : recorder.states.get(lane);
      if (lane === null || state === undefined)
        return {
          ok: false,
          code: "not_found",
          message: `there is no mission or clone named ${request.name}`,
        };
      if (state.mission === null && state.instance === null)
        return { ok: false, code: "conflict", message: `${request.name} has nothing left to kill` };
      const how = await killSwitch.kill(lane, {
        type: "kill.requested",
        by: operator(request.actor),
        reason: request.reason === "" ? "by hand" : request.reason,
        now: request.now,
      });
      return {
        ok: true,
        message:
          how === "recorded"
            ? `${request.name} is being killed; \`factory status ${request.name}\` shows the proof`
            : `${request.name} is being killed although the record cannot be written; it is recorded as soon as it can be`,
      };
    },
    answer: (request) =>
      act(
        { ...request, reason: "" },
        (state) =>
          state.mission === null || state.mission.terminal !== null
            ? `${request.name} has no agent to tell anything: no mission is under way`
            : [{ type: "message.sent", by: operator(request.actor), text: request.text }],
        ({ phase }) =>
          phase === "Running"
            ? `the agent of ${request.name} is being told`
            : `the agent of ${request.name} is told as soon as it runs`,
      ),
  };
}

/** A hold is known by its kind and by this. */
function ownerOf(request: ControlRequest): string {
  return actorText(operator(request.actor));
}
