import type { Actor } from "../../core/model/actor.ts";
import { SHIM_LETTER } from "../../core/status/callbacks.ts";
import type { OrderAnswer } from "../../ports/control-plane.ts";
import type { Recorder } from "../record/recorder.ts";
import type { NoticeOutbox } from "./outbox.ts";

/**
 * Sends dead letters again. Ours go out under their old ids. A shim's are reports that we refused: those
 * that have not come through the driver since are read from its outbox once more.
 */
export async function replayLetters(
  parts: { readonly recorder: Recorder; readonly outbox: NoticeOutbox },
  { which, by }: { readonly which: { readonly id: string } | "all"; readonly by: Actor },
): Promise<OrderAnswer> {
  if (which !== "all" && which.id.startsWith(SHIM_LETTER)) return pull(parts.recorder, which.id);
  if (which === "all") {
    for (const { name, instance } of parts.recorder.states.values()) {
      const open = instance?.callback.refused.find(({ seq }) => seq > instance.lastSeq);
      if (open !== undefined)
        await pull(parts.recorder, `${SHIM_LETTER}${name}/${instance?.epoch}/${open.seq}`);
    }
  }
  return parts.outbox.replay({ which, by });
}

async function pull(recorder: Recorder, id: string): Promise<OrderAnswer> {
  const [clone = "", epoch, seq] = id.slice(SHIM_LETTER.length).split("/");
  const seenSeq = Number(seq);
  const instance = recorder.states.get(clone)?.instance;
  const known = instance?.callback.refused.some((letter) => letter.seq === seenSeq) === true;
  if (instance == null || instance.epoch !== Number(epoch) || !known)
    return { ok: false, code: "not_found", message: `there is no dead letter ${id}` };
  if (seenSeq <= instance.lastSeq)
    return {
      ok: true,
      message: `report ${seenSeq} of ${clone} has come through the driver; nothing is left to send`,
    };
  await recorder.write(clone, (state) =>
    state.instance?.epoch === instance.epoch && state.instance.gapAt === null
      ? {
          events: [
            {
              type: "callback.gap",
              epoch: instance.epoch,
              expectedSeq: state.instance.lastSeq + 1,
              seenSeq,
            },
          ],
        }
      : null,
  );
  return { ok: true, message: `the outbox of ${clone} is being read through the driver` };
}
