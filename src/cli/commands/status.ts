import { systemClock } from "../../adapters/system/clock.ts";
import type { CloneView, FleetView, InboxItem, MissionView } from "../../core/status/view.ts";
import { connect, unknownName } from "../controller.ts";
import { EXIT } from "../exit.ts";
import { cloneText, missionText } from "../format/details-text.ts";
import { fleetText, phaseText } from "../format/fleet-text.ts";
import { type Io, oneLine } from "../io.ts";
import type { Call } from "../program.ts";
import { createRedraw, fitLines } from "../redraw.ts";
import { until, WATCH_MS } from "../watch.ts";

type Client = ReturnType<typeof connect>;

/**
 * Shows the fleet, or one mission or clone. With `--watch` it goes on until it
 * is interrupted: redrawn on a terminal, a line per change elsewhere.
 */
export async function status(call: Call<{ watch?: boolean }>, name: string | undefined): Promise<number> {
  const { io, globals, options } = call;
  const client = connect(globals);
  if (options.watch === true) return watch(call, client, name);
  if (name === undefined) {
    const [fleet, inbox] = await Promise.all([
      client.call("fleet"),
      client.call("inbox").then((answer) => answer.items),
    ]);
    if (globals.json === true) io.json({ ...fleet, inbox });
    else io.raw(fleetText(fleet, inbox, io));
    return EXIT.fine;
  }
  const found = await find(client, name);
  if (globals.json === true) io.json(found.type === "mission" ? found.mission : found.clone);
  else io.raw(await textOf(found, client, io));
  return EXIT.fine;
}

type Found =
  | { readonly type: "mission"; readonly mission: MissionView }
  | { readonly type: "clone"; readonly clone: CloneView };

async function find(client: Client, name: string): Promise<Found> {
  const mission = await client.call("mission", { name });
  if (mission !== null) return { type: "mission", mission };
  const clone = await client.call("clone", { name });
  if (clone !== null) return { type: "clone", clone };
  throw await unknownName(client, name);
}

async function textOf(found: Found, client: Client, io: Io): Promise<string> {
  const now = systemClock().now();
  if (found.type === "clone") return cloneText(found.clone, { io, now });
  const clone = await client.call("clone", { name: found.mission.clone });
  return missionText(found.mission, clone, { io, now });
}

async function watch(
  call: Call<{ watch?: boolean }>,
  client: Client,
  name: string | undefined,
): Promise<number> {
  const { io, globals } = call;
  if (name !== undefined) await find(client, name);
  const redraw = createRedraw(io);
  const seen = new Map<string, string>();
  const live = io.outIsTerminal && globals.json !== true;
  await until(WATCH_MS, async () => {
    const [fleet, inbox] = await Promise.all([
      client.call("fleet"),
      client.call("inbox").then((answer) => answer.items),
    ]);
    if (live)
      redraw.draw(fitLines((await picture(client, { fleet, inbox, name, io })).split("\n"), io.width));
    else for (const change of changes(fleet, name, seen)) print(change, io, globals.json === true);
    return false;
  });
  redraw.done();
  return EXIT.fine;
}

async function picture(
  client: Client,
  shown: { fleet: FleetView; inbox: readonly InboxItem[]; name: string | undefined; io: Io },
): Promise<string> {
  const { fleet, inbox, name, io } = shown;
  const text =
    name === undefined ? fleetText(fleet, inbox, io) : await textOf(await find(client, name), client, io);
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
