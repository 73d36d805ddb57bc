import { SECOND_MS } from "../../core/model/time.ts";
import { command } from "../command.ts";
import type { Controller } from "../controller.ts";
import { EXIT } from "../exit.ts";
import { manyLines } from "../io.ts";
import { count, option } from "../options.ts";
import { until } from "../watch.ts";

/** What the controller hands out at once. */
const BYTES_MAX = 1024 * 1024;
const FOLLOW_MS = SECOND_MS;

/** With `--follow` it goes on; what was printed faster than it can be fetched is marked as missing. */
export const logs = command<{ follow?: boolean; bytes: number }, [name: string]>({
  usage: "logs <name>",
  summary: "Show what its agent printed",
  examples: ["factory logs license-audit --follow"],
  options: [
    option("-f, --follow", "go on with new lines"),
    option("--bytes <n>", "at most the last n bytes").argParser(count).default(65_536),
  ],
  async run({ io, json, controller, options }, name) {
    const ask = await controller();
    const first = await fetchLogs(ask, name, Math.min(options.bytes, BYTES_MAX));
    if (options.follow !== true) {
      if (json) io.json({ name, text: first });
      else if (first === "") io.err(`${name} has printed nothing yet`);
      else io.raw(closed(manyLines(first)));
      return EXIT.fine;
    }
    io.raw(manyLines(first));
    let seen = first;
    await until(FOLLOW_MS, async () => {
      const now = await fetchLogs(ask, name, BYTES_MAX);
      io.raw(manyLines(newPart(seen, now)));
      seen = now.slice(-BYTES_MAX);
      return false;
    });
    return EXIT.fine;
  },
});

async function fetchLogs(ask: Controller, name: string, bytes: number): Promise<string> {
  const answer = await ask.call("logs", { name, bytes });
  if (answer !== null) return answer.text;
  // Known, and without an instance so far.
  await ask.look("why", { name });
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
