import { NOTHING_ENGAGED, parseSwitch, type SwitchState, switchText } from "../../core/model/kill-switch.ts";
import type { KillSwitchFile } from "../../ports/kill-switch.ts";

export interface FakeKillSwitchFile extends KillSwitchFile {
  readonly path: string;
  /** As somebody's editor leaves it; null removes it. */
  put(text: string | null): void;
}

/** A file in memory: it outlives the controllers that are given it. */
export function createFakeKillSwitchFile(): FakeKillSwitchFile {
  let text: string | null = null;
  return {
    path: "/data/kill-switch/engaged.json",
    read: (): SwitchState => (text === null ? NOTHING_ENGAGED : parseSwitch(text)),
    write(state) {
      text = switchText(state);
    },
    put(next) {
      text = next;
    },
  };
}
