import { createSwitchParser, type SwitchState, switchText } from "../../../src/core/model/kill-switch.ts";
import type { KillSwitchFile } from "../../../src/ports/kill-switch-file.ts";

export interface FakeKillSwitchFile extends KillSwitchFile {
  readonly path: string;
  /** As somebody's editor leaves it; null removes it. */
  put(text: string | null): void;
  /** From now on nobody can read it, for this reason; null: they can again. */
  hide(why: string | null): void;
}

/** A file in memory: it outlives the controllers that are given it. `onChange`: for a witness. */
export function createFakeKillSwitchFile(
  onChange: (state: SwitchState) => void = () => {},
): FakeKillSwitchFile {
  let text: string | null = null;
  const parse = createSwitchParser();
  let hidden: string | null = null;
  let last = parse(text);
  const read = (): SwitchState => {
    if (hidden === null) last = parse(text);
    return last;
  };
  const put = (next: string | null): void => {
    text = next;
    onChange(read());
  };
  return {
    path: "/data/kill-switch/engaged.json",
    read,
    unknown: () => hidden,
    hide(why) {
      hidden = why;
    },
    write: (state) => put(switchText(state)),
    put,
  };
}
