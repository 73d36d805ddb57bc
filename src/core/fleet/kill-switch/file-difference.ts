import type { RecordedSwitch } from "../../model/fleet-state.ts";
import { entryKey, type SwitchEntry, type SwitchState, scopeText } from "../../model/kill-switch.ts";
import { switchNews } from "./switch-events.ts";

/** How the switch's file and the record differ, as sentences. */
export interface FileDifference {
  /** Engaged on record and neither engaged nor released in the file: shims and the command line do not see it. */
  readonly missingInFile: readonly string[];
  /** In the file and not on record yet: the next controller records it. */
  readonly notOnRecord: readonly string[];
}

export function fileDifference(recorded: RecordedSwitch, file: SwitchState): FileDifference {
  const released = new Set(file.released.map(entryKey));
  const inFile = (entry: SwitchEntry): boolean =>
    released.has(entryKey(entry)) ||
    file.engaged.some(({ scope }) => scopeText(scope) === scopeText(entry.scope));
  return {
    missingInFile: recorded.engaged
      .filter((entry) => !inFile(entry))
      .map(
        ({ scope, by, at }) =>
          `it is engaged for ${scopeText(scope)} by ${by} since ${at} on record, and the file does not say so`,
      ),
    notOnRecord: switchNews(recorded, file, () => "file").map(({ type, entry }) =>
      type === "switch.engaged"
        ? `the file engages it for ${scopeText(entry.scope)} by ${entry.by} since ${entry.at}, which is not on record yet`
        : `the file releases it for ${scopeText(entry.scope)} by ${entry.releasedBy} at ${entry.releasedAt}, which is not on record yet`,
    ),
  };
}
