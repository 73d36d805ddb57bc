/**
 * The kill switch of a fleet: who engaged it, for what, since when, and who let go of it again.
 *
 * It lies in one file that the controller, the command line and every shim read and that none of them needs the others
 * for. What is engaged stays engaged until a person releases it by name; a file that cannot be understood counts as
 * engaged for everything, because somebody meant something by it.
 */
import { iso } from "./time.ts";

export type SwitchScope =
  | { readonly type: "fleet" }
  | { readonly type: "label"; readonly key: string; readonly value: string }
  /** By the name of a mission or of a clone. */
  | { readonly type: "mission"; readonly name: string };

export interface SwitchEntry {
  readonly scope: SwitchScope;
  /** A person, `repository`, or what nobody signed. */
  readonly by: string;
  readonly reason: string;
  /** ISO time, by the clock of whoever engaged it. */
  readonly at: string;
}

export interface ReleasedEntry extends SwitchEntry {
  readonly releasedBy: string;
  readonly releasedAt: string;
  readonly releaseReason: string;
}

export interface SwitchState {
  readonly engaged: readonly SwitchEntry[];
  /** Newest last, at most `RELEASED_MAX`. */
  readonly released: readonly ReleasedEntry[];
}

export interface SwitchSubject {
  readonly clone: string;
  readonly mission: string | null;
  readonly labels: Readonly<Record<string, string>>;
}

/** Below the data directory, in a folder of its own so that whoever watches it is woken by nothing else. */
export const KILL_SWITCH_FOLDER = "kill-switch";
export const KILL_SWITCH_FILE = "engaged.json";
/** Scopes that are engaged at once; one more engages the whole fleet, so that none of them has to be let go for it. */
export const ENGAGED_MAX = 200;
/** Everything that is engaged may be released by one command, and each of it is told of. */
export const RELEASED_MAX = ENGAGED_MAX;
const TEXT_CHARS_MAX = 500;

export const NOTHING_ENGAGED: SwitchState = { engaged: [], released: [] };

/** `fleet`, `label team=platform`, `mission license-audit`: one entry each. */
export function scopeText(scope: SwitchScope): string {
  if (scope.type === "label") return `label ${scope.key}=${scope.value}`;
  return scope.type === "mission" ? `mission ${scope.name}` : "fleet";
}

export function covers(scope: SwitchScope, subject: SwitchSubject): boolean {
  if (scope.type === "fleet") return true;
  if (scope.type === "mission") return scope.name === subject.mission || scope.name === subject.clone;
  return Object.hasOwn(subject.labels, scope.key) && subject.labels[scope.key] === scope.value;
}

export function coveringEntry(engaged: readonly SwitchEntry[], subject: SwitchSubject): SwitchEntry | null {
  return engaged.find(({ scope }) => covers(scope, subject)) ?? null;
}

export function entryText({ scope, by, reason, at }: SwitchEntry): string {
  return `the kill switch is engaged for ${scopeText(scope)} by ${by} since ${at}${reason === "" ? "" : `: ${reason}`}`;
}

/** Engaging twice keeps who was first. The same state when nothing changed. */
export function engage(state: SwitchState, entry: SwitchEntry): SwitchState {
  if (isEngaged(state, entry.scope)) return state;
  // As it is read back, so that what was written down is what is known.
  if (entry.scope.type === "fleet" || state.engaged.length < ENGAGED_MAX - 1)
    return { ...state, engaged: [...state.engaged, cut(entry)] };
  const everything: SwitchEntry = {
    ...entry,
    scope: { type: "fleet" },
    reason: `there are ${ENGAGED_MAX} scopes, so all is engaged; the last one is ${scopeText(entry.scope)}: ${entry.reason}`,
  };
  return isEngaged(state, everything.scope)
    ? state
    : { ...state, engaged: [...state.engaged, cut(everything)] };
}

function isEngaged(state: SwitchState, scope: SwitchScope): boolean {
  return state.engaged.some((other) => scopeText(other.scope) === scopeText(scope));
}

/** Takes over a release that was made elsewhere. The same state when there is nothing new in it. */
export function takeRelease(state: SwitchState, release: ReleasedEntry): SwitchState {
  const engaged = state.engaged.filter((entry) => entryKey(entry) !== entryKey(release));
  const known = state.released.some((entry) => releaseKey(entry) === releaseKey(release));
  const released = known ? state.released : newestReleases([...state.released, release]);
  return engaged.length === state.engaged.length && (known || !released.includes(release))
    ? state
    : { ...state, engaged, released };
}

/** `scope: null` releases everything. Null when there was nothing to release. */
export function release(
  state: SwitchState,
  act: {
    readonly scope: SwitchScope | null;
    readonly by: string;
    readonly reason: string;
    readonly atMs: number;
  },
): SwitchState | null {
  const leaves = ({ scope }: SwitchEntry): boolean =>
    act.scope === null || scopeText(scope) === scopeText(act.scope);
  const left = state.engaged.filter(leaves);
  if (left.length === 0) return null;
  const released = left.map((entry) => ({
    ...entry,
    releasedBy: act.by,
    releasedAt: iso(act.atMs),
    releaseReason: act.reason.slice(0, TEXT_CHARS_MAX),
  }));
  return {
    engaged: state.engaged.filter((entry) => !leaves(entry)),
    released: newestReleases([...state.released, ...released]),
  };
}

/** What either of two says is engaged, unless either says that exactly this was released. */
export function merged(one: SwitchState, other: SwitchState): SwitchState {
  const releases = new Map([...one.released, ...other.released].map((entry) => [releaseKey(entry), entry]));
  const gone = new Set([...releases.values()].map(entryKey));
  let state: SwitchState = {
    engaged: [],
    released: newestReleases([...releases.values()]),
  };
  for (const entry of [...one.engaged, ...other.engaged]) {
    // What cannot be understood cannot have been released before, either.
    if (entry.by === UNKNOWN || !gone.has(entryKey(entry))) state = engage(state, entry);
  }
  return state;
}

/** In one order, whoever brings them together. */
function newestReleases(releases: readonly ReleasedEntry[]): readonly ReleasedEntry[] {
  return [...releases]
    .sort((a, b) => compare(a.releasedAt, b.releasedAt) || compare(releaseKey(a), releaseKey(b)))
    .slice(-RELEASED_MAX);
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1;
}

/** Tells one engagement from every other; scope, person and time. */
export function entryKey({ scope, by, at }: SwitchEntry): string {
  return `${scopeText(scope)} ${by} ${at}`;
}

function releaseKey(entry: ReleasedEntry): string {
  return `${entryKey(entry)} ${entry.releasedAt}`;
}

export function switchText(state: SwitchState): string {
  return `${JSON.stringify({ version: 1, ...state }, null, 2)}\n`;
}

/** Null is a file that is not there. Anything else that is not ours to understand engages everything. */
export function parseSwitch(text: string | null): SwitchState {
  if (text === null) return NOTHING_ENGAGED;
  try {
    const value: unknown = JSON.parse(text);
    if (!isRecord(value) || !Array.isArray(value["engaged"])) return UNREADABLE;
    const released = Array.isArray(value["released"]) ? value["released"].filter(isReleased) : [];
    const engaged = value["engaged"].map((entry: unknown) => (isEntry(entry) ? cut(entry) : null));
    if (engaged.some((entry) => entry === null)) return { ...UNREADABLE, released };
    return { engaged: engaged.filter((entry) => entry !== null), released };
  } catch {
    return UNREADABLE;
  }
}

/** For whoever reads a file several times a second that changes once a month: the same object for the same text. */
export function createSwitchParser(): typeof parseSwitch {
  let last: { readonly text: string | null; readonly state: SwitchState } | null = null;
  return (text) => {
    if (last === null || last.text !== text) last = { text, state: parseSwitch(text) };
    return last.state;
  };
}

const UNKNOWN = "unknown";
const UNREADABLE: SwitchState = {
  engaged: [
    {
      scope: { type: "fleet" },
      by: UNKNOWN,
      reason: "the file of the kill switch cannot be understood, which counts as engaged",
      at: "unknown",
    },
  ],
  released: [],
};

function cut(entry: SwitchEntry): SwitchEntry {
  return { scope: entry.scope, by: entry.by, reason: entry.reason.slice(0, TEXT_CHARS_MAX), at: entry.at };
}

function isReleased(value: unknown): value is ReleasedEntry {
  return isEntry(value) && isRecord(value) && typeof value["releasedAt"] === "string";
}

function isEntry(value: unknown): value is SwitchEntry {
  return (
    isRecord(value) &&
    isScope(value["scope"]) &&
    typeof value["by"] === "string" &&
    typeof value["reason"] === "string" &&
    typeof value["at"] === "string"
  );
}

function isScope(value: unknown): value is SwitchScope {
  if (!isRecord(value)) return false;
  if (value["type"] === "fleet") return true;
  if (value["type"] === "mission") return typeof value["name"] === "string";
  return value["type"] === "label" && typeof value["key"] === "string" && typeof value["value"] === "string";
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
