import type { OperationAnswer, OperationInput } from "../../api/operations/table.ts";
import { describe } from "../../core/clone/events.ts";
import { concerns } from "../../core/fleet/concerns.ts";
import { describeFleet } from "../../core/fleet/decide.ts";
import { actorText } from "../../core/model/actor.ts";
import { iso, SECOND_MS } from "../../core/model/time.ts";
import { isOfFleet } from "../../core/record/chain.ts";
import type { Call } from "../command.ts";
import type { Controller } from "../controller.ts";
import { EXIT, usageError } from "../exit.ts";
import { type Io, oneLine } from "../io.ts";
import { until } from "../watch.ts";

export interface EventsOptions {
  readonly last: number;
  readonly follow?: boolean;
  readonly fleet?: boolean;
}

/** What the controller hands out at once. */
const EVENTS_MAX = 1_000;
const FOLLOW_MS = SECOND_MS;

type Asked = OperationInput<"events">;
type Recorded = OperationAnswer<"events">["events"][number];

/** Whose events are listed. */
interface Subject {
  readonly query: Pick<Asked, "clone" | "missionId" | "of">;
  /** By these names events of the fleet may be about it, too. */
  readonly names: readonly string[];
}

const FLEET: Subject = { query: { of: "fleet" }, names: [] };

/**
 * Lists the recorded events of a clone, or of the newest run of a mission, with those of the fleet that are about it; or
 * all that happened to the fleet. Oldest first.
 */
export async function listEvents(call: Call<EventsOptions>, name: string | undefined): Promise<number> {
  const { io, json, options } = call;
  const ask = await call.controller();
  const subject = await subjectOf(ask, name, options.fleet === true);
  const last = Math.min(options.last, EVENTS_MAX);
  const found = (await read(ask, subject, { last, limit: last })).slice(-last);
  const follow = options.follow === true;
  const shown = (recorded: readonly Recorded[]) => ask.wire("events", { events: recorded }).events;
  const print = (event: Recorded): void =>
    io.out(json ? JSON.stringify(shown([event])[0]) : lineOf(event, io));
  if (json && !follow) io.json(shown(found));
  else for (const event of found) print(event);
  if (!follow) {
    if (found.length === 0) io.err(`nothing has happened to ${name ?? "the fleet"} yet`);
    return EXIT.fine;
  }
  let afterSeq = found.at(-1)?.seq ?? 0;
  await until(FOLLOW_MS, async () => {
    for (const event of await read(ask, subject, { afterSeq, limit: EVENTS_MAX })) {
      print(event);
      afterSeq = event.seq;
    }
    return false;
  });
  return EXIT.fine;
}

async function subjectOf(ask: Controller, name: string | undefined, fleet: boolean): Promise<Subject> {
  if (name === undefined) {
    if (!fleet) throw usageError("expected the name of a mission or a clone, or --fleet");
    return FLEET;
  }
  if (fleet) throw usageError(`${name}: --fleet lists what happened to the fleet as a whole, without a name`);
  const mission = await ask.call("mission", { name });
  if (mission !== null) return { query: { missionId: mission.missionId }, names: [name, mission.clone] };
  await ask.look("clone", { name });
  return { query: { clone: name }, names: [name] };
}

/** In the order in which they were recorded. */
async function read(
  ask: Controller,
  { query, names }: Subject,
  range: Pick<Asked, "afterSeq" | "last" | "limit">,
): Promise<readonly Recorded[]> {
  const { events: own } = await ask.call("events", { ...query, ...range });
  if (names.length === 0) return own;
  const { events: all } = await ask.call("events", {
    ...FLEET.query,
    ...range,
    ...(range.last === undefined ? {} : ALL),
  });
  const ofFleet = all
    .filter(isOfFleet)
    .filter(({ event }) => concerns(event).some((one) => names.includes(one)));
  return [...own, ...ofFleet].sort((a, b) => a.seq - b.seq);
}

/** The fleet has few events, and fewer that are about one of its clones. */
const ALL = { last: EVENTS_MAX, limit: EVENTS_MAX } as const;

function lineOf(recorded: Recorded, io: Io): string {
  const { seq, at, event } = recorded;
  const text =
    recorded.clone === null
      ? `${actorText(recorded.event.by)}: ${describeFleet(recorded.event)}`
      : describe(recorded.event);
  return `${io.paint("dim", `${seq} ${iso(at)}`)} ${event.type} ${oneLine(text)}`;
}
