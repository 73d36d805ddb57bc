import type { SwitchState } from "../core/model/kill-switch.ts";

/** The file that engages the kill switch without anybody's help. Works while the record, git and the API do not. */
export interface KillSwitchFile {
  /** What it says now, the same object while that is the same; a file that is there and cannot be read says that everything is engaged. */
  read(): SwitchState;
  /** Whole and on the disk on return, also on a disk that is full. Throws where nothing can be written. */
  write(state: SwitchState): void;
}
