import { systemClock } from "../../adapters/system/clock.ts";
import type { CloneView, FleetView, InboxItem, MissionView } from "../../core/status/view.ts";
import type { Call } from "../command.ts";
import type { Controller } from "../controller.ts";
import { EXIT } from "../exit.ts";
import { cloneText, missionText } from "../format/details-text.ts";
import { fleetText, phaseText } from "../format/fleet-text.ts";
import { type Io, oneLine } from "../io.ts";
import { createRedraw, fitLines } from "../redraw.ts";
import { until, WATCH_MS } from "../watch.ts";

/**
 * Shows the fleet, or one mission or clone. With `--watch` it goes on until it
 * is interrupted: redrawn on a terminal, a line per change elsewhere.
 */
export async function showStatus(call: Call<{ watch?: boolean }>, name: string | undefined): Promise<number> {
  const { io, json, options } = call;
  const ask = await call.controller();
  if (options.watch === true) return watch(call, ask, name);
  if (name === undefined) {
    const [fleet, inbox] = await Promise.all([ask.call("fleet"), ask.call("inbox")]);
    if (json) io.json({ ...ask.wire("fleet", fleet), inbox: ask.wire("inbox", inbox).items });
    else io.raw(fleetText(fleet, inbox.items, io));
    return EXIT.fine;
  }
  const found = await find(ask, name);
  if (!json) io.raw(await textOf(found, ask, io));
  else if (found.type === "mission") io.json(ask.wire("mission", found.mission));
  else io.json(ask.wire("clone", found.clone));
  return EXIT.fine;
}

type Found =
  | { readonly type: "mission"; readonly mission: MissionView }
  | { readonly type: "clone"; readonly clone: CloneView };

async function find(ask: Controller, name: string): Promise<Found> {
  const mission = await ask.call("mission", { name });
  if (mission !== null) return { type: "mission", mission };
  return { type: "clone", clone: await ask.look("clone", { name }) };
}

async function textOf(found: Found, ask: Controller, io: Io): Promise<string> {
  const now = systemClock().now();
  if (found.type === "clone") return cloneText(found.clone, { io, now });
  const clone = await ask.call("clone", { name: found.mission.clone });
  return missionText(found.mission, clone, { io, now });
}

async function watch(
  call: Call<{ watch?: boolean }>,
  ask: Controller,
  name: string | undefined,
): Promise<number> {
  const { io, globals } = call;
  if (name !== undefined) await find(ask, name);
  const redraw = createRedraw(io);
  const seen = new Map<string, string>();
  const live = io.outIsTerminal && globals.json !== true;
  await until(WATCH_MS, async () => {
    const [fleet, inbox] = await Promise.all([
      ask.call("fleet"),
      ask.call("inbox").then((answer) => answer.items),
    ]);
    if (live) redraw.draw(fitLines((await picture(ask, { fleet, inbox, name, io })).split("\n"), io.width));
    else for (const change of changes(fleet, name, seen)) print(change, io, globals.json === true);
    return false;
  });
  redraw.done();
  return EXIT.fine;
}

async function picture(
  ask: Controller,
  shown: { fleet: FleetView; inbox: readonly InboxItem[]; name: string | undefined; io: Io },
): Promise<string> {
  const { fleet, inbox, name, io } = shown;
  const text =
    name === undefined ? fleetText(fleet, inbox, io) : await textOf(await find(ask, name), ask, io);
  return `${text.trimEnd()}\n\n${io.paint("dim", "Ctrl-C ends this; the fleet goes on.")}`;
}

interface Change {
  readonly at: number;
  readonly subject: string;
  readonly phase: string;
  readonly text: string;
}

/** What differs from the last look: one per mission, and per clone whose phase moved. */
function changes(fleet: FleetView, name: string | undefined, seen: Map<string, string>): Change[] {
  const found: Change[] = [];
  const note = (change: Omit<Change, "at">): void => {
    const line = `${change.phase} ${change.text}`;
    if (seen.get(change.subject) === line) return;
    seen.set(change.subject, line);
    found.push({ at: fleet.now, ...change });
  };
  for (const mission of fleet.missions) {
    if (name !== undefined && mission.name !== name) continue;
    note({ subject: `mission/${mission.name}`, phase: phaseText(mission), text: oneLine(mission.summary) });
  }
  for (const clone of fleet.clones) {
    if (name !== undefined && clone.name !== name) continue;
    const holds = clone.holds.map((hold) => hold.kind).join(", ");
    note({
      subject: `clone/${clone.name}`,
      phase: clone.phase,
      text: `epoch ${clone.epoch}${holds === "" ? "" : `, held: ${holds}`}`,
    });
  }
  return found;
}

function print(change: Change, io: Io, json: boolean): void {
  const at = new Date(change.at).toISOString();
  if (json) io.out(JSON.stringify({ ...change, at }));
  else io.out(`${at} ${change.subject} ${change.phase}: ${change.text}`);
}
