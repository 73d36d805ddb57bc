/**
 * What changed between two values of JSON, as a value of JSON that is as small as the change. A state of a clone has some
 * 13 KB and most events change 500 bytes of it.
 *
 * - `{"=": value}` puts a value in place of whatever stood there.
 * - `{"~": {key: change, …}, "-": [key, …]}` changes and removes entries of an object.
 * - `{"<": count, "~": {index: change, …}, ">": [value, …], "#": length}` takes so many items from the front of a list, changes some of
 *   those that are left, cuts it to a length, and adds items at its end. Most lists here are logs: they grow at
 *   their end and are kept short at their front.
 *
 * Every part of a change may be absent. A property that is undefined counts as absent, as in JSON.
 */
export type Change = ValueChange | ObjectChange | ListChange;

interface ValueChange {
  readonly "=": unknown;
}

interface ObjectChange {
  readonly "~"?: Readonly<Record<string, Change>>;
  readonly "-"?: readonly string[];
}

interface ListChange {
  readonly "<"?: number;
  readonly "~"?: Readonly<Record<string, Change>>;
  readonly "#"?: number;
  readonly ">"?: readonly unknown[];
}

/** Null when both say the same. Values that are the same object are the same value: nothing below them is looked at. */
export function changeBetween(before: unknown, after: unknown): Change | null {
  if (before === after) return null;
  if (Array.isArray(before) && Array.isArray(after)) return listChange(before, after);
  if (isObject(before) && isObject(after)) return objectChange(before, after);
  // As JSON writes an item of a list that is undefined.
  return { "=": after === undefined ? null : after };
}

/**
 * The value after the change. Uses up both: parts of them become parts of the answer, and what is inside `before` is changed in
 * place, which is what makes it cheap to read back a value with many changes. Throws for a change that was not made for it.
 */
export function withChange(before: unknown, change: Change): unknown {
  if ("=" in change) return change["="];
  if (Array.isArray(before)) return changeList(before, change as ListChange);
  if (isObject(before)) return changeObject(before, change as ObjectChange);
  throw new Error("a change of what is inside was made for a value that has no inside");
}

function objectChange(
  before: Readonly<Record<string, unknown>>,
  after: Readonly<Record<string, unknown>>,
): Change | null {
  const changes: Record<string, Change> = {};
  let changed = 0;
  for (const key of Object.keys(after)) {
    const value = after[key];
    if (value === undefined) continue;
    const old = own(before, key);
    const change = old === undefined ? { "=": value } : changeBetween(old, value);
    if (change === null) continue;
    define(changes, key, change);
    changed += 1;
  }
  const removed = Object.keys(before).filter(
    (key) => before[key] !== undefined && own(after, key) === undefined,
  );
  if (changed === 0 && removed.length === 0) return null;
  return { ...(changed === 0 ? {} : { "~": changes }), ...(removed.length === 0 ? {} : { "-": removed }) };
}

function changeObject(object: Record<string, unknown>, change: ObjectChange): unknown {
  for (const key of change["-"] ?? []) delete object[key];
  const changes = change["~"] ?? {};
  for (const key of Object.keys(changes)) {
    const inside = changes[key];
    if (inside !== undefined) define(object, key, withChange(own(object, key), inside));
  }
  return object;
}

function listChange(before: readonly unknown[], after: readonly unknown[]): Change | null {
  const dropped = droppedFromFront(before, after);
  const kept = Math.min(before.length - dropped, after.length);
  const changes: Record<string, Change> = {};
  let changed = 0;
  for (let index = 0; index < kept; index += 1) {
    const change = changeBetween(before[dropped + index], after[index]);
    if (change === null) continue;
    changes[index] = change;
    changed += 1;
  }
  const cut = kept < before.length - dropped;
  const added = after.slice(kept);
  if (dropped === 0 && changed === 0 && !cut && added.length === 0) return null;
  if (kept === 0) return { "=": after };
  return {
    ...(dropped === 0 ? {} : { "<": dropped }),
    ...(changed === 0 ? {} : { "~": changes }),
    ...(cut ? { "#": kept } : {}),
    ...(added.length === 0 ? {} : { ">": added }),
  };
}

function changeList(list: unknown[], change: ListChange): unknown {
  list.splice(0, change["<"] ?? 0);
  if (change["#"] !== undefined) list.length = Math.min(list.length, change["#"]);
  for (const [index, inside] of Object.entries(change["~"] ?? {}))
    list[Number(index)] = withChange(list[Number(index)], inside);
  list.push(...(change[">"] ?? []));
  return list;
}

/** Items that a list lost at its front, where what follows them is what the new one begins with. 0 where that does not show. */
function droppedFromFront(before: readonly unknown[], after: readonly unknown[]): number {
  const first = after[0];
  if (after.length === 0 || before.length === 0 || changeBetween(before[0], first) === null) return 0;
  const most = Math.min(before.length - 1, DROPPED_MAX);
  for (let dropped = 1; dropped <= most; dropped += 1)
    if (changeBetween(before[dropped], first) === null) return dropped;
  return 0;
}

/** One event adds a few entries to a log, so it loses a few at its front. */
const DROPPED_MAX = 8;

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Names of clones and missions are keys here, and `__proto__` must be one like all others. */
function own(object: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

function define(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key !== "__proto__") object[key] = value;
  else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}
