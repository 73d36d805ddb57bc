import { drillText } from "../../core/status/drills.ts";
import type { CloneView, FleetView, InboxItem, MissionView } from "../../core/status/view.ts";
import { formatIssue } from "../../documents/issue.ts";
import { clip, type Io, oneLine } from "../io.ts";
import { table } from "./table.ts";
import { age, clock, PHASE_COLOUR, PHASE_ORDER, plural, wrap } from "./words.ts";

/** Rows of a list on the overview; `--json` has them all. */
const ROWS_MAX = 200;
/** Of issues and of what is held: the first ones tell, the rest is counted. */
const SHORT_MAX = 10;

/** The fleet at a glance: what needs a person stands first. */
export function fleetText(view: FleetView, inbox: readonly InboxItem[], io: Io): string {
  const parts = [
    head(view, io),
    attention(inbox, view, io),
    missions(view, io),
    clones(view, io),
    held(view, io),
    callbacks(view, io),
    forge(view, io),
    approvals(view, io),
    drills(view, io),
    issues(view, io),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function head(view: FleetView, io: Io): string {
  const { source } = view;
  const seen = source.observedAt === null ? "" : `, ${age(view.now - source.observedAt)} ago`;
  const at = source.revision === null ? "" : ` at ${source.revision.slice(0, 12)}`;
  const good = source.state === "ok" || source.state === "verified_empty";
  const read =
    source.state === "unknown"
      ? "the repository has not been looked at yet"
      : good
        ? `read${at}${seen}`
        : io.paint("red", `${source.reason}${at}${seen}`);
  const mode = view.mode === "normal" ? "" : ` · ${io.paint("yellow", view.mode)}`;
  const lines = [`${io.paint("bold", view.installation)}${mode} · ${read}`];
  if (!good && source.state !== "unknown") lines.push(wrap(oneLine(source.message), io.width - 2, "  "));
  if (source.state === "verified_empty")
    lines.push("The repository holds no documents: `factory new mission <name>` adds one.");
  return lines.join("\n");
}

function attention(inbox: readonly InboxItem[], view: FleetView, io: Io): string {
  if (inbox.length === 0) return "";
  const sign = {
    critical: io.paint("red", "!!"),
    warning: io.paint("yellow", "! "),
    info: io.paint("blue", "? "),
  };
  const lines = inbox.slice(0, SHORT_MAX).map((item) => {
    const text = `${item.subject} ${item.kind} ${age(view.now - item.since)}: ${oneLine(item.message)}`;
    return `${sign[item.severity]} ${clip(text, io.width - 3)}`;
  });
  const rest = inbox.length > SHORT_MAX ? [`   and ${inbox.length - SHORT_MAX} more`] : [];
  return [io.paint("bold", `Needs a person (factory inbox)`), ...lines, ...rest].join("\n");
}

function missions(view: FleetView, io: Io): string {
  if (view.missions.length === 0) return "No missions.";
  const rank = new Map(PHASE_ORDER.map((phase, index) => [phase, index]));
  const sorted = [...view.missions].sort(
    (a, b) => (rank.get(a.phase) ?? 0) - (rank.get(b.phase) ?? 0) || (a.name < b.name ? -1 : 1),
  );
  const shown = sorted.slice(0, ROWS_MAX);
  const text = table(
    [{ title: "MISSION" }, { title: "PHASE" }, { title: "RUNTIME" }, { title: "LAST SAID", grows: true }],
    shown.map((mission) => [
      mission.name,
      phaseText(mission),
      runtimeText(mission),
      oneLine(mission.summary),
    ]),
    {
      width: io.width,
      paint: (cell, row, column) => {
        const mission = shown[row];
        return column === 1 && mission !== undefined ? io.paint(PHASE_COLOUR[mission.phase], cell) : cell;
      },
    },
  );
  return text + more(sorted.length, "mission");
}

export function phaseText(mission: MissionView): string {
  return mission.outcome === null ? mission.phase : `${mission.phase} ${mission.outcome}`;
}

function runtimeText({ usage, budget }: MissionView): string {
  return `${clock(usage.activeMs)}/${budget.maxRuntimeMinutes}m`;
}

function clones(view: FleetView, io: Io): string {
  if (view.clones.length === 0) return "";
  const shown = [...view.clones].sort(bySuspicion).slice(0, ROWS_MAX);
  const text = table(
    [
      { title: "CLONE", grows: true },
      { title: "PHASE" },
      { title: "EPOCH", right: true },
      { title: "HEALTH" },
      { title: "BEAT" },
      { title: "HOLDS" },
    ],
    shown.map((clone) => [
      clone.name,
      clone.phase,
      String(clone.epoch),
      clone.instance?.health ?? "-",
      beat(clone),
      holdsText(clone),
    ]),
    {
      width: io.width,
      paint: (cell, _row, column) => {
        if (column === 3 && (cell === "degraded" || cell === "lost")) return io.paint("red", cell);
        if (column === 3 && cell === "suspect") return io.paint("yellow", cell);
        return column === 5 && cell !== "-" ? io.paint("yellow", cell) : cell;
      },
    },
  );
  return text + more(view.clones.length, "clone");
}

/** Who is ill comes first, the most suspicious one of all; the others keep their order. */
function bySuspicion(a: CloneView, b: CloneView): number {
  const rank = ({ instance }: CloneView): number => (instance === null ? 0 : (ILL[instance.health] ?? 0));
  const phi = ({ instance }: CloneView): number => (rank(a) === 0 ? 0 : (instance?.liveness.suspicion ?? 0));
  return rank(b) - rank(a) || phi(b) - phi(a);
}

const ILL: Readonly<Record<string, number>> = { suspect: 1, recovering: 2, degraded: 3, lost: 4 };

function beat(clone: CloneView): string {
  const ageMs = clone.instance?.heartbeatAgeMs ?? null;
  return ageMs === null ? "-" : `${age(ageMs)} ago`;
}

function holdsText(clone: CloneView): string {
  return clone.holds.length === 0 ? "-" : clone.holds.map((hold) => hold.kind).join(",");
}

function held(view: FleetView, io: Io): string {
  if (view.held.length === 0) return "";
  const lines = view.held.slice(0, SHORT_MAX).map((one) => {
    return clip(`= ${one.subject} ${one.step}: ${one.reason}, ${oneLine(one.message)}`, io.width);
  });
  const rest = view.held.length > SHORT_MAX ? [`  and ${view.held.length - SHORT_MAX} more`] : [];
  return [io.paint("bold", "Held back (factory why <name>)"), ...lines, ...rest].join("\n");
}

/** Who is told of things, as soon as anything about that is worth a look. */
function callbacks({ callbacks: { destinations, deadLetters }, now }: FleetView, io: Io): string {
  const telling = destinations.filter((one) => one.state !== "ok" || one.waiting > 0 || one.dead > 0);
  if (telling.length === 0 && deadLetters === 0) return "";
  const lines = telling.map((one) => {
    const since = one.failingSince === null ? "" : ` for ${age(now - one.failingSince)}`;
    const state = one.state === "failing" ? io.paint("yellow", `failing${since}`) : one.state;
    const facts = [
      ...(one.waiting > 0 ? [`${one.waiting} waiting`] : []),
      ...(one.dead > 0 ? [plural(one.dead, "dead letter")] : []),
      ...(one.backlog ? ["CallbackBacklog"] : []),
      ...(one.lastProblem === null ? [] : [oneLine(one.lastProblem)]),
    ];
    return clip(`${one.name} ${state}${facts.length === 0 ? "" : `: ${facts.join(", ")}`}`, io.width);
  });
  return [io.paint("bold", "Notices (factory dead-letters)"), ...lines].join("\n");
}

/** Where changes are reviewed. What is well is one line; what was merged is carried out either way. */
function forge({ forge, now }: FleetView, io: Io): string {
  if (forge === null) return "";
  const { condition, pulls, closures } = forge;
  const waiting = pulls.filter(({ waitsFor }) => waitsFor.length > 0);
  const state = {
    True: "reached",
    Unknown: "not asked yet",
    False: io.paint("yellow", `${condition.reason} for ${age(now - condition.since)}`),
  }[condition.status];
  const facts = [
    `${forge.name} ${state}`,
    plural(pulls.length, "open pull request"),
    ...(waiting.length === 0
      ? []
      : [`${waiting.length} of them ${waiting.length === 1 ? "waits" : "wait"} for others`]),
    ...(closures.length === 0 ? [] : [`${plural(closures.length, "closure")} to decide`]),
    ...(forge.complete ? [] : ["more are not looked at"]),
  ];
  const lines = [clip(facts.join(", "), io.width)];
  if (condition.status === "False") lines.push(wrap(oneLine(condition.message), io.width - 2, "  "));
  const failed = pulls.filter((pull) => pull.state === "failed");
  for (const { number, message } of failed.slice(0, SHORT_MAX))
    lines.push(clip(`  #${number} ${io.paint("yellow", "failed")}: ${oneLine(message)}`, io.width));
  for (const { number, waitsFor } of waiting.slice(0, SHORT_MAX))
    lines.push(clip(`  #${number} waits for ${waitsFor.map((first) => `#${first}`).join(", ")}`, io.width));
  for (const { mission, run, state, message, url } of closures.slice(0, SHORT_MAX)) {
    const what = state === "failed" ? io.paint("yellow", `failed: ${oneLine(message)}`) : (url ?? message);
    lines.push(clip(`  closure of ${mission} run ${run}: ${what}`, io.width));
  }
  return [io.paint("bold", "Reviews"), ...lines].join("\n");
}

/** Also where nobody is asked: that is a choice, and whoever looks should see it. */
function approvals({ approvals: { asked, message } }: FleetView, io: Io): string {
  const text = wrap(oneLine(`Approvals: ${message}`), io.width);
  return asked ? text : io.paint("yellow", text);
}

/** Of several targets the one with the oldest proof says most. */
function drills({ drills: { plan, newest }, now }: FleetView, io: Io): string {
  if (plan === null && newest.length === 0) return "";
  const failed = newest.filter(({ passed }) => !passed);
  const oldest = newest.reduce<(typeof newest)[number] | null>(
    (first, one) => (first === null || one.at < first.at ? one : first),
    null,
  );
  const next = plan?.nextAt ?? null;
  const facts = [
    oldest === null
      ? "none yet"
      : `${plural(newest.length - failed.length, "clone")} proven, the longest ago ${age(now - Date.parse(oldest.at))} ago: ${drillText(oldest)}`,
    ...(failed.length === 0 ? [] : [io.paint("red", `${failed.length} FAILED`)]),
    ...(next === null ? [] : [next > now ? `next in ${age(next - now)}` : "one is due"]),
  ];
  return `${io.paint("bold", "Drills of the kill (factory drills)")}\n${clip(facts.join("; "), io.width)}`;
}

function issues(view: FleetView, io: Io): string {
  if (view.issues.length === 0) return "";
  const lines = view.issues.slice(0, SHORT_MAX).map((issue) => wrap(formatIssue(issue), io.width, "    "));
  const rest = view.issues.length > SHORT_MAX ? [`and ${view.issues.length - SHORT_MAX} more`] : [];
  return [io.paint("bold", `${plural(view.issues.length, "issue")} in files`), ...lines, ...rest].join("\n");
}

function more(count: number, noun: string): string {
  return count > ROWS_MAX ? `\nand ${plural(count - ROWS_MAX, `more ${noun}`)}; --json has them all` : "";
}
