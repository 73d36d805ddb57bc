import { MINUTE_MS } from "../../core/model/time.ts";
import type { Call } from "../command.ts";
import { EXIT } from "../exit.ts";
import { plural, wrap } from "../format/words.ts";
import { type Io, oneLine } from "../io.ts";
import { sourceOf } from "../origin.ts";
import { dataDirOf } from "../place.ts";
import type { Remains } from "./lost.ts";
import { readPublished } from "./published.ts";
import { findRestoration, type Restoration } from "./restoration.ts";
import { mistrust } from "./takeover.ts";
import { verifyRecord } from "./verify.ts";

/** Looking at everything, and ending what cannot go on. */
const TIMEOUT_MS = 10 * MINUTE_MS;

export interface RestoreOptions {
  readonly source?: string;
  readonly branch: string;
  readonly statusBranch?: string;
  readonly yes?: boolean;
  readonly gone?: string;
  readonly trust?: string;
}

/**
 * Rebuilds the record from the status branch and from what lives on this machine. Without `--yes` it says what it
 * would do and does nothing. What is left of the old record is put aside, never removed; a restoration that
 * was cut off is begun again from the start.
 *
 * Ends with 0 when the record was rebuilt and holds, 1 when it was not; rejects `store/locked` while a controller runs.
 */
export async function restore({ io, globals, options }: Call<RestoreOptions>): Promise<number> {
  const dataDir = dataDirOf(globals);
  const source = await sourceOf(globals, options.source);
  io.progress("reading the status branch");
  const published = await readPublished({
    source,
    branch: options.branch,
    dataDir,
    ...(options.statusBranch === undefined ? {} : { statusBranch: options.statusBranch }),
  });
  io.progress("looking at what lives");
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const { gone, trust } = options;
  const words = { ...(gone === undefined ? {} : { gone }), ...(trust === undefined ? {} : { trust }) };
  const found = await findRestoration({ dataDir, source, published, words, signal });
  const doubt = mistrust(published);
  const believed = doubt === null || doubt.word === trust;
  if (globals.json !== true) {
    show(found, io);
    if (doubt !== null) io.out(wrap(`Unverified: ${doubt.message}.`, io.width, ""));
  }
  if (options.yes !== true || !believed) {
    const word = believed ? "" : ` --trust ${doubt.word}`;
    if (globals.json === true)
      io.json({ done: false, dataDir, putAside: null, unverified: doubt, ...facts(found) });
    else io.out(`Nothing was done. \`factory restore --yes${word}\` does it.`);
    return EXIT.problems;
  }
  io.progress("rebuilding the record");
  const putAside = await found.rebuild({ json: globals.json === true });
  const { findings } = await verifyRecord({ dataDir, published });
  if (globals.json === true) io.json({ done: true, dataDir, putAside, ...facts(found), findings });
  else {
    for (const finding of findings) io.err(`error: ${finding.check}: ${oneLine(finding.message)}`);
    if (putAside !== null) io.out(`What was left of the old record is at ${putAside}.`);
    const clones = plural(found.survey.rebuild.lanes.length, "clone");
    io.out(`The record is rebuilt: ${clones}. Start the controller with \`factory run\`.`);
  }
  return findings.length === 0 ? EXIT.fine : EXIT.problems;
}

function show({ survey, anchor, remains, keyKept, file, takeover }: Restoration, io: Io): void {
  const { rebuild, orphans } = survey;
  io.out(
    `The journal was published up to event ${anchor.seq}, by ${anchor.installation}. ${leftText(remains, file)}`,
  );
  io.out(wrap(`The right to act is taken: ${oneLine(takeover.because)}.`, io.width, ""));
  if (!keyKept)
    io.out(
      "The key of this installation is lost: instances that live cannot be authenticated any more, and are ended with proof.",
    );
  if (orphans.length > 0)
    io.out(
      `${plural(orphans.length, "instance")} without a folder: ended with proof before anything is recorded.`,
    );
  io.out(`  ${wrap(`fleet: ${oneLine(rebuild.fleet.fate)}`, io.width - 4, "    ")}`);
  for (const { clone, fate } of rebuild.lanes)
    io.out(`  ${wrap(`${clone}: ${oneLine(fate)}`, io.width - 4, "    ")}`);
}

/** For machines. */
function facts({ survey: { rebuild, orphans }, anchor, remains, keyKept }: Restoration) {
  return {
    anchor,
    left: remains,
    keyKept,
    orphans: orphans.map(({ handle }) => ({ clone: handle.clone, epoch: handle.epoch })),
    fleet: rebuild.fleet.fate,
    clones: rebuild.lanes.map(({ clone, mission, closed, fate }) => ({ clone, mission, closed, fate })),
  };
}

function leftText(left: Remains, file: string): string {
  switch (left.type) {
    case "absent":
      return `There is no ${file}.`;
    case "empty":
      return `${file} is empty.`;
    case "damaged":
      return `${file} is damaged: ${oneLine(left.message)}.`;
    default:
      return left.verdict !== null && "message" in left.verdict
        ? `Of ${file}: ${left.verdict.message}.`
        : `${file} holds ${left.events} events.`;
  }
}
