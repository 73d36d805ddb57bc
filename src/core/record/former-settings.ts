/**
 * What older programs kept in settings, beside the chain, as the first event of the fleet. A record keeps these until it
 * is upgraded; a status branch, until it is published to.
 */
import type { PendingDeletion } from "../model/deletion.ts";
import { type DrillBook, NO_DRILLS } from "../model/drill.ts";
import { FactoryError } from "../model/error.ts";
import { type FleetSnapshot, INITIAL_FLEET, type JournalHead } from "../model/fleet-state.ts";
import { NO_ROLLBACK, type RollbackState } from "../model/guardrail.ts";
import { parseSwitch } from "../model/kill-switch.ts";
import type { Destination } from "../model/notice.ts";
import type { Rollout } from "../model/rollout.ts";
import type { Instant } from "../model/time.ts";

const GONE = "notify/gone/";
const DOWN = "notify/down/";
const KEYS: ReadonlySet<string> = new Set([
  "kill_switch",
  "rollback",
  "rollouts",
  "drills",
  "pending_deletion",
  "notify/destinations",
  "replaced_anchor",
  "rebuilding",
]);

export interface FormerSettings {
  readonly snapshot: FleetSnapshot;
  readonly replaces: JournalHead | null;
  /** It was being rebuilt, and that was cut off. */
  readonly rebuilding: boolean;
  /** Everything that this was read from, in order. */
  readonly keys: readonly string[];
}

/**
 * Null when there is nothing of an older program. Throws `record/not-upgradable` (`stall`) for a value that is not
 * what that program wrote: guessing could release what was engaged.
 */
export function readFormerSettings(settings: Readonly<Record<string, string>>): FormerSettings | null {
  const keys = Object.keys(settings).filter(isFormer).sort();
  if (keys.length === 0) return null;
  const { killSwitch } = INITIAL_FLEET;
  const read = <T>(key: string, fallback: T, isIt: (value: unknown) => boolean): T =>
    settings[key] === undefined ? fallback : (parse(key, settings[key], isIt) as T);
  const rollouts = read<readonly Rollout[]>("rollouts", [], isRollouts);
  return {
    keys,
    rebuilding: settings["rebuilding"] !== undefined,
    replaces: read<JournalHead | null>("replaced_anchor", null, isHead),
    snapshot: {
      // What cannot be understood of it engages everything, as in its file.
      killSwitch: { ...killSwitch, ...parseSwitch(settings["kill_switch"] ?? null) },
      guardrails: { ...NO_ROLLBACK, ...read<RollbackState>("rollback", NO_ROLLBACK, isRollback) },
      rollouts: Object.fromEntries(rollouts.map((rollout) => [rollout.group, rollout])),
      drills: { ...NO_DRILLS, ...read<Partial<DrillBook>>("drills", {}, isDrills) },
      pendingDeletion: read<PendingDeletion | null>("pending_deletion", null, isPending),
      destinations: {
        declared: read<readonly Destination[] | null>("notify/destinations", null, isDestinations),
        gone: byName(settings, GONE, (_key, text) => text),
        down: byName(settings, DOWN, instant),
      },
    },
  };
}

/** The same from the status branch. Rejects `record/unreadable`. */
export function readPublishedSettings(path: string, text: string): FormerSettings | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = null;
  }
  const unreadable = (why: string): FactoryError =>
    new FactoryError("record/unreadable", "stall", `${path} on the status branch cannot be used: ${why}`);
  if (!isObject(value) || !Object.values(value).every((one) => typeof one === "string"))
    throw unreadable("it is not what an older controller wrote of its fleet");
  try {
    return readFormerSettings(value as Record<string, string>);
  } catch (error) {
    throw error instanceof FactoryError ? unreadable(error.message) : error;
  }
}

function isFormer(key: string): boolean {
  return KEYS.has(key) || key.startsWith(GONE) || key.startsWith(DOWN);
}

function byName<T>(
  settings: Readonly<Record<string, string>>,
  prefix: string,
  read: (key: string, text: string) => T,
): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, text]) => [key.slice(prefix.length), read(key, text)]),
  );
}

function instant(key: string, text: string): Instant {
  return parse(key, text, (value) => typeof value === "number") as Instant;
}

function parse(key: string, text: string, isIt: (value: unknown) => boolean): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw notUpgradable(key);
  }
  if (!isIt(value)) throw notUpgradable(key);
  return value;
}

function isRollouts(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((one) => isObject(one) && typeof one["group"] === "string" && Array.isArray(one["turns"]))
  );
}

function isRollback(value: unknown): boolean {
  return isObject(value) && isObject(value["since"]) && Array.isArray(value["turns"]) && "pin" in value;
}

function isDrills(value: unknown): boolean {
  return (
    isObject(value) && Array.isArray(value["results"]) && (value["plan"] === null || isObject(value["plan"]))
  );
}

function isPending(value: unknown): boolean {
  return isObject(value) && typeof value["revision"] === "string" && Array.isArray(value["names"]);
}

function isDestinations(value: unknown): boolean {
  return Array.isArray(value) && value.every((one) => isObject(one) && typeof one["name"] === "string");
}

function isHead(value: unknown): boolean {
  return isObject(value) && typeof value["seq"] === "number" && typeof value["hash"] === "string";
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function notUpgradable(key: string): FactoryError {
  return new FactoryError(
    "record/not-upgradable",
    "stall",
    `the record of an older program keeps \`${key}\` in a form that this program does not know, and guessing could release what was engaged: ` +
      "run the program that wrote it, or put the record aside and rebuild it with `factory restore`",
  );
}
