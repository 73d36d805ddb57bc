import type { ActionRow } from "../../core/model/action.ts";
import { iso } from "../../core/model/time.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit.ts";
import { table } from "../format/table.ts";
import { plural } from "../format/words.ts";
import { type Io, oneLine } from "../io.ts";
import { count, option } from "../options.ts";

export const actions = command<{ last: number }, [name: string]>({
  usage: "actions <name>",
  summary: "List what its agent did outside, each thing once",
  examples: ["factory actions license-audit", "factory actions license-audit --json | jq .actions[].state"],
  options: [option("--last <n>", "the newest n").argParser(count).default(200)],
  async run({ io, json, controller, options }, name) {
    const ask = await controller();
    const answer = await ask.look("actions", { name, limit: Math.min(options.last, ROWS_MAX) });
    if (json) io.json(ask.wire("actions", answer));
    else if (answer.actions.length === 0) io.out(`${name} has not claimed any action.`);
    else print(answer.actions, io);
    return EXIT.fine;
  },
});

/** What a controller hands out at once. */
const ROWS_MAX = 10_000;

function print(rows: readonly ActionRow[], io: Io): void {
  const colour = { reserved: "blue", committed: "green", failed: "yellow", unknown: "red" } as const;
  io.out(
    table(
      [
        { title: "ACTION" },
        { title: "TARGET", grows: true },
        { title: "STATE" },
        { title: "EPOCH", right: true },
        { title: "REPEATS", right: true },
        { title: "SINCE" },
        { title: "KEY" },
      ],
      rows.map((row) => [
        row.action,
        oneLine(row.target),
        row.state,
        String(row.epoch),
        String(row.duplicatesTotal),
        iso(row.settledAt ?? row.reservedAt).slice(0, 19),
        row.key.replace(/^sha256:/, "").slice(0, KEY_SHOWN),
      ]),
      {
        width: io.width,
        paint: (text, row, column) =>
          column === 2 ? io.paint(colour[rows[row]?.state ?? "reserved"], text) : text,
      },
    ),
  );
  const open = rows.filter(({ state }) => state === "unknown").length;
  const note = open === 0 ? "" : `; ${open} that nobody knows to be done or not`;
  io.out(`${plural(rows.length, "action")}${note}. \`--json\` shows arguments, results and digests.`);
}

const KEY_SHOWN = 12;
