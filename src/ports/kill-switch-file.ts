import type { SwitchState } from "../core/model/kill-switch.ts";

/** The file that engages the kill switch without anybody's help. Works while the record, git and the API do not. */
export interface KillSwitchFile {
  /**
   * What it says now, the same object while that is the same; a file that is there and cannot be understood, or not be read by us,
   * says that everything is engaged. Where this process or the machine has nothing left to read it with, that says nothing about the
   * file: it answers with what was read last, and `unknown` says why. Throws where nothing was read before.
   */
  read(): SwitchState;
  /** Why nobody knows what it says since the last `read`, and what to do; null when that is known. */
  unknown(): string | null;
  /** Whole and on the disk on return, also on a disk that is full. Throws where nothing can be written. */
  write(state: SwitchState): void;
}
