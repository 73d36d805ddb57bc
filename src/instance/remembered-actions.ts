/**
 * The shim's memory of its agents' actions on the disk, one JSON line for every row that is new or has changed. What
 * an instance did after the last publication is told by nothing else when the record is lost.
 */
import { join } from "node:path";
import { ACTION_STATES, type RememberedAction } from "../core/model/action.ts";
import { appendDurably, isRecord, readJsonLines, syncDirectory } from "./files.ts";

const FILE = "remembered.jsonl";

/** Begins the file, so that an empty one tells of an instance that did nothing; what it answers is on the disk on return, or throws. */
export function openRemembered(instanceDirectory: string): (row: RememberedAction) => void {
  const path = join(instanceDirectory, FILE);
  appendDurably(path, "");
  syncDirectory(instanceDirectory);
  // Begun on a new line: one that a crash or a full disk cut short takes none along with it.
  return (row) => appendDurably(path, `\n${JSON.stringify(row)}`);
}

/**
 * The newest row of every key, in the order in which they were first heard of; null when nobody can tell. A line that a
 * crash cut short was told to no agent and is left out. Works without the shim.
 */
export function readRemembered(instanceDirectory: string): readonly RememberedAction[] | null {
  const lines = readJsonLines(join(instanceDirectory, FILE));
  return lines === null ? null : [...new Map(lines.filter(isRow).map((row) => [row.key, row])).values()];
}

function isRow(value: unknown): value is RememberedAction {
  if (!isRecord(value)) return false;
  const texts = ["key", "action", "target", "arguments", "digest", "evidence"];
  return (
    texts.every((name) => typeof value[name] === "string") &&
    typeof value["agent"] === "number" &&
    (value["result"] === null || typeof value["result"] === "string") &&
    (ACTION_STATES as readonly unknown[]).includes(value["state"])
  );
}
