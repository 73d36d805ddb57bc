import { describe } from "../../core/clone/events.ts";
import { iso, SECOND_MS } from "../../core/model/time.ts";
import type { EventQuery, StoredEvent } from "../../ports/store.ts";
import { connect, unknownName } from "../controller.ts";
import { EXIT } from "../exit.ts";
import { type Io, oneLine } from "../io.ts";
import type { Call } from "../program.ts";
import { until } from "../watch.ts";

/** What the controller hands out at once. */
const EVENTS_MAX = 1_000;
const FOLLOW_MS = SECOND_MS;

type Client = ReturnType<typeof connect>;

/** Lists the recorded events of a clone, or of the newest run of a mission, oldest first. */
export async function events(call: Call<{ last: number; follow?: boolean }>, name: string): Promise<number> {
  const { io, globals, options } = call;
  const client = connect(globals);
  const subject = await subjectOf(client, name);
  const last = Math.min(options.last, EVENTS_MAX);
  const found = (await client.call("events", { ...subject, last, limit: last })).events;
  const follow = options.follow === true;
  if (globals.json === true && !follow) io.json(found);
  else for (const event of found) print(event, io, globals.json === true);
  if (!follow) {
    if (found.length === 0) io.err(`nothing has happened to ${name} yet`);
    return EXIT.fine;
  }
  let afterSeq = found.at(-1)?.seq ?? 0;
  await until(FOLLOW_MS, async () => {
    for (const event of (await client.call("events", { ...subject, afterSeq, limit: EVENTS_MAX })).events) {
      print(event, io, globals.json === true);
      afterSeq = event.seq;
    }
    return false;
  });
  return EXIT.fine;
}

async function subjectOf(client: Client, name: string): Promise<Pick<EventQuery, "clone" | "missionId">> {
  const mission = await client.call("mission", { name });
  if (mission !== null) return { missionId: mission.missionId };
  if ((await client.call("clone", { name })) !== null) return { clone: name };
  throw await unknownName(client, name);
}

function print(event: StoredEvent, io: Io, json: boolean): void {
  if (json) {
    io.out(JSON.stringify(event));
    return;
  }
  const text = `${event.event.type} ${oneLine(describe(event.event))}`;
  io.out(`${io.paint("dim", `${event.seq} ${iso(event.at)}`)} ${text}`);
}
