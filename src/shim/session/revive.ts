import { lookAtAgent } from "../../instance/agent-process.ts";
import { continueAgent } from "../../instance/freeze.ts";
import type { Transcript } from "../../instance/transcript.ts";
import { endLeftovers } from "../agents/spawn.ts";
import type { ControlResult } from "./control.ts";
import type { Heart } from "./heartbeat.ts";
import { type Life, targetOf } from "./life.ts";
import type { Pauses } from "./pauses.ts";

/**
 * Brings the agent back: a stopped one goes on; one whose program is gone, or any with
 * `again`, is ended, and started anew once nothing of it lives. A pause, an end and a last word stand against it.
 */
export function reviveAgent({
  life,
  pauses,
  transcript,
  heart,
  again,
  onReplaced,
}: {
  readonly life: Life;
  readonly pauses: Pauses;
  readonly transcript: Transcript;
  readonly heart: Heart;
  readonly again: boolean;
  /** Before it is ended: its end is ours. */
  readonly onReplaced: () => void;
}): ControlResult {
  const { agent, run } = life;
  const not = (message: string): ControlResult => ({ ok: false, code: "not_resumable", message });
  if (agent === null || run === null || life.envelope === null) return not("it has no agent");
  if (life.over || life.phase === "stopping") return not("the instance is ending");
  if (run.terminal()) return not("its agent has said its last word");
  if (pauses.graceLeftMs() > 0) return not("it is being paused");
  if (pauses.by().length > 0) return not(`it is paused by ${pauses.by().join(" and ")}`);
  const { state } = lookAtAgent(agent.record());
  if (state === "stopped" && !again) {
    transcript.note("the agent was stopped and is continued");
    continueAgent(targetOf(life));
    heart.beatNow();
    return { ok: true, result: { how: "its agent was stopped and goes on in place" } };
  }
  if (state === "running" && !again) return { ok: true, result: { how: "its agent runs" } };
  transcript.note(`the agent is ${state}; it is ended and started again in place`);
  onReplaced();
  endLeftovers(targetOf(life));
  return { ok: true, result: { how: `its agent was ${state} and is started again in place` } };
}
