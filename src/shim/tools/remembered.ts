/**
 * The shim's memory of its agents' actions on the disk, one JSON line for every row that is new or has changed. What
 * an instance did after the last publication is told by nothing else when the record is lost.
 */
import { closeSync, fdatasyncSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { ACTION_STATES, type RememberedAction } from "../../core/model/action.ts";
import { hasCode, isRecord, syncDirectory } from "../files.ts";

const FILE = "remembered.jsonl";

/** Begins the file, so that an empty one tells of an instance that did nothing; what it answers is on the disk on return, or throws. */
export function openRemembered(instanceDirectory: string): (row: RememberedAction) => void {
  const path = join(instanceDirectory, FILE);
  closeSync(openSync(path, "a", 0o600));
  syncDirectory(instanceDirectory);
  return (row) => {
    const fd = openSync(path, "a");
    try {
      const bytes = Buffer.from(`\n${JSON.stringify(row)}`);
      // A disk that is almost full takes a part without a word.
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      fdatasyncSync(fd);
    } finally {
      closeSync(fd);
    }
  };
}

/**
 * The newest row of every key, in the order in which they were first heard of; null when nobody can tell. A line that a
 * crash cut short was told to no agent and is left out. Works without the shim.
 */
export function readRemembered(instanceDirectory: string): readonly RememberedAction[] | null {
  let text: string;
  try {
    text = readFileSync(join(instanceDirectory, FILE), "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
  const rows = new Map<string, RememberedAction>();
  for (const line of text.split("\n")) {
    const row = parse(line);
    if (row !== null) rows.set(row.key, row);
  }
  return [...rows.values()];
}

function parse(line: string): RememberedAction | null {
  try {
    const value: unknown = JSON.parse(line);
    return isRow(value) ? value : null;
  } catch {
    return null;
  }
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
