import { PAUSE_GRACE_MS_MAX } from "../../core/model/clone.ts";
import { freezeAgent } from "../../instance/freeze.ts";
import type { Transcript } from "../../instance/transcript.ts";
import type { AgentInput } from "../agents/agent.ts";
import type { Clocks } from "./clocks.ts";
import { type Life, targetOf } from "./life.ts";

/**
 * Who wants the agent paused. It runs unless anybody does.
 *
 *   running ──► told, with a grace ──► frozen ──► running
 *      │                 │
 *      ├─────────────────┴─► running, when it is taken back
 *      └─► frozen, without a grace
 *
 * A grace ends with the agent's word that its turn has ended, or with its time. It is measured here, on a clock
 * that nobody sets, so neither a controller that comes back nor one that asks again makes it any longer.
 */
export interface Pauses {
  /** Those who want it frozen now. */
  by(): readonly Pauser[];
  /** Every process that was found is frozen. */
  frozen(): boolean;
  /** What is left of a grace; 0 when none is under way. */
  graceLeftMs(): number;
  /** The operator's pause: at once, or after the agent's turn and within the grace. False when some processes still ran after the last look. */
  ask(graceMs: number): boolean;
  /** Takes it back, also one that we know nothing of: the driver may have made it without us. True when there was one. */
  takeBack(): boolean;
  /** The agent's own word. Nobody asked: it means nothing. */
  turnEnded(): void;
  /** Nobody reaches the controller, or somebody does again. */
  orphan(paused: boolean): void;
  /** For an agent that has just started. */
  apply(): void;
  /** An agent that is ended has to hear that it is: nobody wants it paused any more. */
  lift(): void;
  /** Before a signal that a frozen agent would not get. */
  thaw(): void;
}

export type Pauser = "operator" | "orphan";

export function createPauses({
  life,
  clocks,
  transcript,
  onFrozen,
  onRestless,
}: {
  readonly life: Life;
  readonly clocks: Clocks;
  readonly transcript: Transcript;
  /** At the end of a grace. */
  readonly onFrozen: () => void;
  /** Nobody waits for an answer, and something of it still runs after every look. */
  readonly onRestless: (why: string) => void;
}): Pauses {
  const pausedBy = new Set<Pauser>();
  let whole = true;
  let grace: { readonly endsAt: number; readonly timer: NodeJS.Timeout } | null = null;
  /** It was told to pause, and has not been told to go on. */
  let told = false;

  /** One pass over its processes; false when it did not find all of them frozen, or thawed. */
  function apply(): boolean {
    if (life.agent === null) return true;
    clocks.setRunning(pausedBy.size === 0);
    whole = freezeAgent(targetOf(life), pausedBy.size > 0);
    return whole;
  }

  function endGrace(): void {
    if (grace !== null) clearTimeout(grace.timer);
    grace = null;
  }

  function freeze(): boolean {
    endGrace();
    pausedBy.add("operator");
    return apply();
  }

  function endTurn(why: string): void {
    transcript.note(why);
    if (freeze()) onFrozen();
    else onRestless("the agent does not stand still at the end of a pause's grace");
  }

  function tell(input: AgentInput): void {
    if (life.agent === null) return;
    if (life.agent.say(input) !== "said")
      transcript.note("the agent does not read its input: it is not told of its pause");
  }

  function begin(graceMs: number): void {
    const endsAt = performance.now() + graceMs;
    if (grace !== null && grace.endsAt <= endsAt) return;
    if (grace === null) tell({ type: "pause", graceMs });
    endGrace();
    told = true;
    grace = { endsAt, timer: setTimeout(() => endTurn("the grace of a pause is over"), graceMs) };
  }

  return {
    by: () => [...pausedBy],
    frozen: () => pausedBy.size > 0 && whole,
    graceLeftMs: () => (grace === null ? 0 : Math.max(1, Math.ceil(grace.endsAt - performance.now()))),
    ask(graceMs) {
      const runs = life.agent !== null && !pausedBy.has("operator") && life.phase !== "stopping";
      if (graceMs <= 0 || !runs) return freeze();
      begin(Math.min(graceMs, PAUSE_GRACE_MS_MAX));
      return true;
    },
    takeBack() {
      const paused = pausedBy.delete("operator") || grace !== null;
      endGrace();
      if (told) tell({ type: "resume" });
      told = false;
      apply();
      return paused;
    },
    turnEnded() {
      if (grace !== null) endTurn("the agent's turn has ended: it is paused");
    },
    orphan(paused) {
      if (paused === pausedBy.has("orphan")) return;
      if (paused) pausedBy.add("orphan");
      else pausedBy.delete("orphan");
      if (!apply() && paused) onRestless("the agent does not stand still while its controller is away");
    },
    apply: () => void apply(),
    lift() {
      endGrace();
      pausedBy.clear();
      freezeAgent(targetOf(life), false);
    },
    thaw() {
      if (pausedBy.size > 0) freezeAgent(targetOf(life), false);
    },
  };
}
