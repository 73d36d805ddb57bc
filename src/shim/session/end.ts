import { entryText, type SwitchEntry, scopeText } from "../../core/model/kill-switch.ts";
import type { Transcript } from "../../instance/transcript.ts";
import type { Graces } from "../agents/ending.ts";
import { endLeftovers } from "../agents/spawn.ts";
import type { Delivery } from "../callback/deliver.ts";
import type { Reporter } from "../callback/reporter.ts";
import type { AgentRunner } from "./agent-runner.ts";
import { BY_KILL_SWITCH, DEFAULT_GRACES, steepness } from "./graces.ts";
import { type SwitchWatch, watchKillSwitch } from "./kill-switch-watch.ts";
import { type Life, targetOf } from "./life.ts";
import type { Pauses } from "./pauses.ts";

/** Ends the agent step by step and then the shim. */
export interface End {
  /** Called again it may only be steeper. */
  begin(reason: string, graces?: Graces): void;
  /** The agent is gone: delivers what it can and leaves. */
  finish(): Promise<void>;
  /** Ends by itself when the kill switch covers this instance: nobody has to ask. */
  obeyKillSwitch(): void;
  /** Aborted once the end has begun. */
  readonly begun: AbortSignal;
}

/** What is recorded is safe; this is only the chance that it also arrives before we go. */
const LAST_DELIVERY_MS = 1_000;
const LAST_ANSWER_MS = 10;

export function createEnd(parts: {
  readonly life: Life;
  readonly pauses: Pauses;
  readonly reporter: Reporter;
  readonly delivery: Delivery;
  readonly transcript: Transcript;
  readonly runner: () => AgentRunner;
  /** Nothing more is spent for it. */
  readonly cut: () => void;
  /** Takes away what the agent was offered. */
  readonly close: () => void;
  /** Once everything has been delivered that could be. */
  readonly onDelivered: () => void;
  readonly onEnd: () => void;
}): End {
  const { life, delivery } = parts;
  const ending = new AbortController();
  let lastSteepness = Number.POSITIVE_INFINITY;
  let killSwitch: SwitchWatch | null = null;

  function begin(reason: string, graces: Graces = DEFAULT_GRACES): void {
    if (life.over) return;
    if (life.phase === "stopping") {
      if (steepness(graces) < lastSteepness) parts.runner().stop(graces);
      return;
    }
    lastSteepness = steepness(graces);
    parts.transcript.note(`ending: ${reason}`);
    ending.abort();
    if (life.phase !== "exited") life.phase = "stopping";
    parts.cut();
    if (life.agent === null) {
      void finish();
      return;
    }
    // A frozen agent cannot hear that it should end.
    parts.pauses.lift();
    parts.runner().stop(graces);
  }

  async function finish(): Promise<void> {
    if (life.over) return;
    life.over = true;
    parts.close();
    killSwitch?.stop();
    endLeftovers(targetOf(life));
    await delivery.drained(LAST_DELIVERY_MS);
    delivery.stop();
    parts.onDelivered();
    // Whoever asked us to stop is owed the answer first.
    setTimeout(parts.onEnd, LAST_ANSWER_MS);
  }

  /** What is said to the outbox is what the controller finds on its return. */
  function onKillSwitch(entry: SwitchEntry): void {
    if (life.over) return;
    if (life.envelope !== null && life.run?.terminal() !== true) {
      parts.reporter.report({
        type: "mission.cancelled",
        status: "cancelled",
        summary: entryText(entry),
        detail: { kill_switch: { scope: scopeText(entry.scope), by: entry.by, at: entry.at } },
      });
    }
    begin(entryText(entry), BY_KILL_SWITCH);
  }

  return {
    begin,
    finish,
    obeyKillSwitch() {
      const declared = life.intent.killSwitch;
      if (declared === undefined) return;
      killSwitch = watchKillSwitch({
        ...declared,
        onEngaged: (entry) => setImmediate(onKillSwitch, entry),
      });
    },
    begun: ending.signal,
  };
}
