import { SECOND_MS } from "../../core/model/time.ts";
import { connect, unknownName } from "../controller.ts";
import { EXIT } from "../exit.ts";
import { manyLines } from "../io.ts";
import type { Call } from "../program.ts";
import { until } from "../watch.ts";

/** What the controller hands out at once. */
const BYTES_MAX = 1024 * 1024;
const FOLLOW_MS = SECOND_MS;

type Client = ReturnType<typeof connect>;

/**
 * Shows the end of what the newest instance's agent printed. With `--follow` it
 * goes on; what was printed faster than it can be fetched is marked as missing.
 */
export async function logs(call: Call<{ follow?: boolean; bytes: number }>, name: string): Promise<number> {
  const { io, globals, options } = call;
  const client = connect(globals);
  const first = await fetchLogs(client, name, Math.min(options.bytes, BYTES_MAX));
  if (options.follow !== true) {
    if (globals.json === true) io.json({ name, text: first });
    else if (first === "") io.err(`${name} has printed nothing yet`);
    else io.raw(closed(manyLines(first)));
    return EXIT.fine;
  }
  io.raw(manyLines(first));
  let seen = first;
  await until(FOLLOW_MS, async () => {
    const now = await fetchLogs(client, name, BYTES_MAX);
    io.raw(manyLines(newPart(seen, now)));
    seen = now.slice(-BYTES_MAX);
    return false;
  });
  return EXIT.fine;
}

async function fetchLogs(client: Client, name: string, bytes: number): Promise<string> {
  const text = (await client.call("logs", { name, bytes }))?.text ?? null;
  if (text !== null) return text;
  const known =
    (await client.call("mission", { name })) !== null || (await client.call("clone", { name })) !== null;
  if (!known) throw await unknownName(client, name);
  return "";
}

/** Characters by which the place is found again where the last look ended. */
const ANCHOR_CHARS = 2_000;

/** What stands in `now` after where `seen` ended. */
export function newPart(seen: string, now: string): string {
  if (now.startsWith(seen)) return now.slice(seen.length);
  const anchor = seen.slice(-ANCHOR_CHARS);
  const at = anchor === "" ? -1 : now.lastIndexOf(anchor);
  if (at >= 0) return now.slice(at + anchor.length);
  return now === "" ? "" : `\n… (a new instance, or more than could be fetched)\n${now}`;
}

function closed(text: string): string {
  return text.endsWith("\n") ? text : `${text}\n`;
}
