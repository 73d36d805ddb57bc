import { PAUSE_GRACE_MS_MAX } from "../../core/model/clone.ts";
import type { Transcript } from "../../instance/transcript.ts";
import type { AgentInput } from "../agents/agent.ts";
import type { Clocks } from "./clocks.ts";
import { createFreezer, type Pauser } from "./freezer.ts";
import type { Life } from "./life.ts";
import { createPauseGrace } from "./pause-grace.ts";

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

export interface PauseParts {
  readonly life: Life;
  readonly clocks: Clocks;
  readonly transcript: Transcript;
  /** At the end of a grace. */
  readonly onFrozen: () => void;
  /** Nobody waits for an answer, and something of it still runs after every look. */
  readonly onRestless: (why: string) => void;
}

export function createPauses(parts: PauseParts): Pauses {
  const { life, transcript, onFrozen, onRestless } = parts;
  const freezer = createFreezer(parts);
  const grace = createPauseGrace(() => endTurn("the grace of a pause is over"));
  /** It was told to pause, and has not been told to go on. */
  let told = false;

  /** running ──► told: at the end of its turn, or of the grace, it is frozen. */
  function ask(pauser: Pauser, graceMs: number): void {
    if (grace.begin(pauser, graceMs)) tell({ type: "pause", graceMs });
    told = true;
  }

  /** running, told ──► frozen. It ends every grace: all who had given one get what they waited for. False: something of it still runs. */
  function freeze(...by: readonly Pauser[]): boolean {
    for (const pauser of [...by, ...grace.end()]) freezer.by.add(pauser);
    return freezer.apply();
  }

  /** told ──► frozen, and nobody waits for an answer. */
  function endTurn(why: string): void {
    transcript.note(why);
    if (freeze()) onFrozen();
    else onRestless("the agent does not stand still at the end of a pause's grace");
  }

  /** told, frozen ──► running, if nobody else wants it paused: it hears so, if it heard of the pause. */
  function goOn(): boolean {
    if (told && freezer.by.size === 0 && grace.leftMs() === 0) {
      tell({ type: "resume" });
      told = false;
    }
    return freezer.apply();
  }

  function tell(input: AgentInput): void {
    if (life.agent === null) return;
    if (life.agent.say(input) !== "said")
      transcript.note("the agent does not read its input: it is not told of its pause");
  }

  /** At once, or after the agent's turn. False when some processes still ran after the last look. */
  function pause(pauser: Pauser, graceMs: number): boolean {
    const runs = life.agent !== null && freezer.by.size === 0 && life.phase !== "stopping";
    if (graceMs <= 0 || !runs) return freeze(pauser);
    ask(pauser, Math.min(graceMs, PAUSE_GRACE_MS_MAX));
    return true;
  }

  /** True when it wanted a pause. */
  function withdraw(pauser: Pauser): boolean {
    const waited = grace.leave(pauser);
    return freezer.by.delete(pauser) || waited;
  }

  /** False when it does not stand still. */
  function pauseByLimit(graceMs: number): boolean {
    if (freezer.by.has("limit")) return freezer.standsStill();
    return grace.waitsFor("limit") || pause("limit", graceMs);
  }

  return {
    by: () => [...freezer.by],
    frozen: freezer.frozen,
    graceLeftMs: grace.leftMs,
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
      const still = pauseByLimit(graceMs);
      if (!still) onRestless("the agent does not stand still at a limit of its mission");
      return still;
    },
    frozenMs: freezer.frozenMs,
    turnEnded() {
      if (grace.leftMs() > 0) endTurn("the agent's turn has ended: it is paused");
    },
    orphan(paused) {
      if (paused === freezer.by.has("orphan")) return;
      if (paused) freezer.by.add("orphan");
      else freezer.by.delete("orphan");
      if (!goOn() && paused) onRestless("the agent does not stand still while its controller is away");
    },
    apply: () => void freezer.apply(),
    lift() {
      grace.end();
      freezer.letGo();
    },
    thaw: freezer.thaw,
  };
}
