import type { DesiredClone } from "../model/clone.ts";
import type { DesiredState } from "../model/desired.ts";
import { CONTAINMENTS } from "../model/instance.ts";
import type { AutonomyWindow, DesiredMission } from "../model/mission.ts";
import { secretText } from "../model/secret-policy.ts";
import { type Instant, iso, MINUTE_MS } from "../model/time.ts";
import { differingFields } from "./diff.ts";

/** One thing that a mission or a clone may do more, less or otherwise than before. */
export interface RightsChange {
  readonly subject: string;
  readonly right: string;
  readonly before: string;
  readonly after: string;
  readonly direction: "widened" | "narrowed" | "changed";
}

export interface SecretTouched {
  readonly clone: string;
  readonly name: string;
  /** `env:NAME` or `file:path`: the reference, never a value. */
  readonly from: string;
  readonly change: "added" | "removed" | "used";
}

/** What of the base's missions and clones may do more or less in the head. New ones are reviewed as a whole and not listed. */
export function rightsOf(base: DesiredState | null, head: DesiredState): RightsChange[] {
  const changes: RightsChange[] = [];
  for (const mission of head.missions.values()) {
    const before = base?.missions.get(mission.name);
    if (before !== undefined) missionRights(before, mission, changes);
  }
  for (const clone of head.clones.values()) {
    const before = base?.clones.get(clone.name);
    if (before !== undefined) cloneRights(before, clone, changes);
  }
  return changes.sort(by((change) => `${change.subject} ${change.right}`));
}

function missionRights(before: DesiredMission, after: DesiredMission, changes: RightsChange[]): void {
  const subject = `mission/${after.name}`;
  const [old, now] = [before.contract.constraints, after.contract.constraints];
  listChange(changes, {
    subject,
    right: "allowed_tools",
    before: old.allowed_tools,
    after: now.allowed_tools,
    more: "widened",
    empty: "what the baseline allows",
  });
  listChange(changes, {
    subject,
    right: "forbidden_tools",
    before: old.forbidden_tools,
    after: now.forbidden_tools,
    more: "narrowed",
  });
  listChange(changes, {
    subject,
    right: "approval_required",
    before: old.approval_required,
    after: now.approval_required,
    more: "narrowed",
  });
  for (const meter of ["max_runtime_minutes", "max_llm_calls", "max_cost_usd"] as const) {
    const [from, to] = [before.limits.budget[meter], after.limits.budget[meter]];
    if (from === to) continue;
    const wider = to === null || (from !== null && to > from);
    changes.push({
      subject,
      right: `budget.${meter}`,
      before: limit(from),
      after: limit(to),
      direction: wider ? "widened" : "narrowed",
    });
  }
  if (
    differingFields({ window: before.limits.autonomy_window }, { window: after.limits.autonomy_window })
      .length > 0
  ) {
    const [from, to] = [before.limits.autonomy_window, after.limits.autonomy_window];
    const direction = to === null ? "widened" : from === null ? "narrowed" : "changed";
    changes.push({
      subject,
      right: "autonomy_window",
      before: windowText(from),
      after: windowText(to),
      direction,
    });
  }
}

function cloneRights(before: DesiredClone, after: DesiredClone, changes: RightsChange[]): void {
  const subject = `clone/${after.name}`;
  const [from, to] = [before.runtime.isolation, after.runtime.isolation];
  if (from !== to) {
    const direction = CONTAINMENTS.indexOf(to) < CONTAINMENTS.indexOf(from) ? "widened" : "narrowed";
    changes.push({ subject, right: "isolation", before: from, after: to, direction });
  }
  listChange(changes, {
    subject,
    right: "approval_required",
    before: before.approvalRequired,
    after: after.approvalRequired,
    more: "narrowed",
  });
  const commands = [before.agent.command.join(" "), after.agent.command.join(" ")] as const;
  if (commands[0] !== commands[1]) {
    changes.push({
      subject,
      right: "agent.command",
      before: commands[0],
      after: commands[1],
      direction: "changed",
    });
  }
}

interface ListChange {
  readonly subject: string;
  readonly right: string;
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** What a longer list means. */
  readonly more: "widened" | "narrowed";
  /** What an empty list means, where that is more than any list. */
  readonly empty?: string;
}

function listChange(changes: RightsChange[], change: ListChange): void {
  const { subject, right, before, after, more, empty } = change;
  const added = after.filter((item) => !before.includes(item));
  const removed = before.filter((item) => !after.includes(item));
  if (added.length + removed.length === 0) return;
  const less = more === "widened" ? "narrowed" : "widened";
  const opens = empty !== undefined && after.length === 0;
  const closes = empty !== undefined && before.length === 0;
  const direction = opens
    ? "widened"
    : closes
      ? "narrowed"
      : removed.length === 0
        ? more
        : added.length === 0
          ? less
          : "changed";
  const text = (list: readonly string[]): string => (list.length === 0 ? (empty ?? "none") : list.join(", "));
  changes.push({ subject, right, before: text(before), after: text(after), direction });
}

/** Which references to secrets come, go, or are handed to the clones in `started`. */
export function secretsOf(
  base: DesiredState | null,
  head: DesiredState,
  started: ReadonlySet<string>,
): SecretTouched[] {
  const found: SecretTouched[] = [];
  for (const name of new Set([...(base?.clones.keys() ?? []), ...head.clones.keys()])) {
    const before = new Map(
      base?.clones.get(name)?.secrets.map((secret) => [secret.name, secretText(secret.from)]),
    );
    const after = new Map(
      head.clones.get(name)?.secrets.map((secret) => [secret.name, secretText(secret.from)]),
    );
    for (const [secret, from] of after) {
      if (before.get(secret) !== from) found.push({ clone: name, name: secret, from, change: "added" });
      else if (started.has(name)) found.push({ clone: name, name: secret, from, change: "used" });
    }
    for (const [secret, from] of before) {
      if (after.get(secret) !== from) found.push({ clone: name, name: secret, from, change: "removed" });
    }
  }
  return found.sort(by((secret) => `${secret.clone} ${secret.name} ${secret.change}`));
}

function limit(value: number | null): string {
  return value === null ? "no limit" : String(value);
}

function windowText(window: AutonomyWindow | null): string {
  if (window === null) return "always";
  if (window.type === "recurring") {
    return `${window.cron} (${window.timezone}) for ${window.durationMinutes} min`;
  }
  return `${window.startAt === null ? "…" : stamp(window.startAt)} to ${window.endAt === null ? "…" : stamp(window.endAt)}`;
}

function stamp(at: Instant): string {
  return at % MINUTE_MS === 0 ? `${iso(at).slice(0, 16)}Z` : iso(at);
}

function by<T>(key: (item: T) => string): (a: T, b: T) => number {
  return (a, b) => (key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0);
}
