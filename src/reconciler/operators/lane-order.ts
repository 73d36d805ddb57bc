import type { CloneState } from "../../core/model/clone-state.ts";
import type { CloneEvent } from "../../core/model/event.ts";
import type { OrderAnswer } from "../../ports/control-plane.ts";
import type { Recorder } from "../record/recorder.ts";

export interface Lanes {
  readonly recorder: Recorder;
  /** The lane that a name means, also for a mission that is declared and has not got it yet. */
  lane(name: string): CloneState | null;
}

/** What an order comes to: a sentence that refuses it, or what is recorded and what is said once that is done. */
export type Judged =
  | string
  | { readonly events: readonly CloneEvent[]; readonly done: (after: CloneState) => string };

/** Records an order for one lane. It is judged under the lane's turn in the record: of two at the same time the first one counts. */
export async function orderOnLane(
  lanes: Lanes,
  name: string,
  judge: (state: CloneState) => Judged,
): Promise<OrderAnswer> {
  const known = lanes.lane(name);
  if (known === null) return unknownSubject(name);
  let judged: Judged = "";
  const { after } = await lanes.recorder.write(known.name, (state) => {
    judged = judge(state);
    return typeof judged === "string" ? null : { events: judged.events };
  });
  return answerOf(judged, after);
}

export function unknownSubject(name: string): OrderAnswer {
  return { ok: false, code: "not_found", message: `there is no mission or clone named ${name}` };
}

export function conflict(message: string): OrderAnswer {
  return { ok: false, code: "conflict", message };
}

function answerOf(judged: Judged, after: CloneState): OrderAnswer {
  return typeof judged === "string" ? conflict(judged) : { ok: true, message: judged.done(after) };
}
