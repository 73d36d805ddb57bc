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
  /**
   * A limit of its mission is reached, or is no longer. Its agent is told first and has its grace, like with an
   * operator's pause; what an operator takes back leaves this one as it is. False when it does not stand still:
   * then it is being ended.
   */
  byLimit(reached: boolean, graceMs: number): boolean;
  /** For how long every process that was found has been frozen; 0 while any runs. */
  frozenMs(): number;
  /** Nobody reaches the controller, or somebody does again. */
  orphan(paused: boolean): void;
  /** For an agent that has just started. */
  apply(): void;
  /** An agent that is ended has to hear that it is: nobody wants it paused any more. */
  lift(): void;
  /** Before a signal that a frozen agent would not get. */
  thaw(): void;
}

export type Pauser = "operator" | "orphan" | "limit";

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
  let frozenSince: number | null = null;
  let grace: { readonly endsAt: number; readonly timer: NodeJS.Timeout; readonly by: Set<Pauser> } | null =
    null;
  /** It was told to pause, and has not been told to go on. */
  let told = false;

  /** One pass over its processes; false when it did not find all of them frozen, or thawed. */
  function apply(): boolean {
    if (life.agent === null) return true;
    clocks.setRunning(pausedBy.size === 0);
    whole = freezeAgent(targetOf(life), pausedBy.size > 0);
    frozenSince = pausedBy.size > 0 && whole ? (frozenSince ?? performance.now()) : null;
    return whole;
  }

  /** Nobody wants it paused any more: it hears so, if it heard of the pause. What is left of the pausers applies. */
  function goOn(): boolean {
    if (pausedBy.size === 0 && grace === null && told) {
      tell({ type: "resume" });
      told = false;
    }
    return apply();
  }

  function endGrace(): void {
    if (grace !== null) clearTimeout(grace.timer);
    grace = null;
  }

  /** A freeze ends every grace: all who had given one get what they waited for. */
  function freeze(...by: readonly Pauser[]): boolean {
    for (const pauser of [...by, ...(grace?.by ?? [])]) pausedBy.add(pauser);
    endGrace();
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

  function begin(pauser: Pauser, graceMs: number): void {
    const endsAt = performance.now() + graceMs;
    const by = new Set([...(grace?.by ?? []), pauser]);
    if (grace !== null && grace.endsAt <= endsAt) {
      grace.by.add(pauser);
      return;
    }
    if (grace === null) tell({ type: "pause", graceMs });
    endGrace();
    told = true;
    grace = { endsAt, by, timer: setTimeout(() => endTurn("the grace of a pause is over"), graceMs) };
  }

  /** At once, or after the agent's turn. False when some processes still ran after the last look. */
  function pause(pauser: Pauser, graceMs: number): boolean {
    const runs = life.agent !== null && pausedBy.size === 0 && life.phase !== "stopping";
    if (graceMs <= 0 || !runs) return freeze(pauser);
    begin(pauser, Math.min(graceMs, PAUSE_GRACE_MS_MAX));
    return true;
  }

  /** True when it wanted a pause. */
  function withdraw(pauser: Pauser): boolean {
    const pending = grace?.by.delete(pauser) === true;
    if (grace?.by.size === 0) endGrace();
    return pausedBy.delete(pauser) || pending;
  }

  return {
    by: () => [...pausedBy],
    frozen: () => pausedBy.size > 0 && whole,
    graceLeftMs: () => (grace === null ? 0 : Math.max(1, Math.ceil(grace.endsAt - performance.now()))),
    ask: (graceMs) => pause("operator", graceMs),
    takeBack() {
      const paused = withdraw("operator");
      goOn();
      return paused;
    },
    byLimit(reached, graceMs) {
      if (!reached) {
        if (withdraw("limit")) goOn();
        return true;
      }
      const still = pausedBy.has("limit")
        ? whole || apply()
        : grace?.by.has("limit") === true || pause("limit", graceMs);
      if (!still) onRestless("the agent does not stand still at a limit of its mission");
      return still;
    },
    frozenMs: () => (frozenSince === null ? 0 : Math.round(performance.now() - frozenSince)),
    turnEnded() {
      if (grace !== null) endTurn("the agent's turn has ended: it is paused");
    },
    orphan(paused) {
      if (paused === pausedBy.has("orphan")) return;
      if (paused) pausedBy.add("orphan");
      else pausedBy.delete("orphan");
      if (!goOn() && paused) onRestless("the agent does not stand still while its controller is away");
    },
    apply: () => void apply(),
    lift() {
      endGrace();
      pausedBy.clear();
      frozenSince = null;
      freezeAgent(targetOf(life), false);
    },
    thaw() {
      if (pausedBy.size > 0) freezeAgent(targetOf(life), false);
    },
  };
}
