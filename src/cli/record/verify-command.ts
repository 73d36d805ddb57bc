import { FactoryError } from "../../core/model/error.ts";
import type { Call } from "../command.ts";
import { EXIT } from "../exit.ts";
import { plural, wrap } from "../format/words.ts";
import { oneLine } from "../io.ts";
import { sourceOf } from "../origin.ts";
import { dataDirOf } from "../place.ts";
import { type Published, readPublished } from "./published.ts";
import { type RecordReport, verifyRecord } from "./verify.ts";

/** Publications whose heads are compared: some weeks of a busy fleet. */
const HISTORY_COMMITS = 2_000;

export interface VerifyOptions {
  readonly source?: string;
  readonly branch: string;
  readonly statusBranch?: string;
  readonly offline?: boolean;
}

/**
 * Proves the record from its first event on, while a controller runs or without one. Ends with 0 when nothing
 * was found, 1 when something was, 2 when there is no record, or the status branch that should be compared cannot be read.
 */
export async function verify({ io, globals, options }: Call<VerifyOptions>): Promise<number> {
  const dataDir = dataDirOf(globals);
  let published: Published | null = null;
  if (options.offline !== true) {
    io.progress("reading the status branch");
    try {
      const { branch, statusBranch } = options;
      published = await readPublished({
        source: await sourceOf(globals, options.source),
        branch,
        dataDir,
        history: HISTORY_COMMITS,
        ...(statusBranch === undefined ? {} : { statusBranch }),
      });
    } catch (error) {
      if (!(error instanceof FactoryError)) throw error;
      throw new FactoryError(
        "record/anchor-unreadable",
        "retry",
        `the status branch cannot be compared: ${error.message}`,
        { cause: error },
      );
    }
  }
  io.progress(`reading the record of ${dataDir}`);
  const report = await verifyRecord({ dataDir, published });
  const fine = report.findings.length === 0;
  if (globals.json === true) io.json({ ok: fine, dataDir, ...report });
  else {
    for (const { check, clone, seq, message } of report.findings) {
      const place = [clone, seq === null ? null : `event ${seq}`].filter((part) => part !== null).join(", ");
      const text = oneLine(`${place === "" ? "" : `${place}: `}${message}`);
      io.out(
        `${io.paint("red", check)}  ${wrap(text, io.width - check.length - 2, " ".repeat(check.length + 2))}`,
      );
    }
    for (const note of report.notes) io.out(io.paint("dim", note));
    io.out(
      fine
        ? fineText(report)
        : `${plural(report.findings.length, "finding")} in ${plural(report.events, "event")}`,
    );
  }
  return fine ? EXIT.fine : EXIT.problems;
}

function fineText({ events, fleetEvents, clones, head, anchors }: RecordReport): string {
  const compared =
    anchors === null
      ? "not compared with the status branch"
      : `${plural(anchors.compared, "published head")} ${anchors.compared === 1 ? "lies" : "lie"} on it`;
  const end = head === null ? "" : `, head ${head.slice(0, 12)}`;
  return `the record is whole: ${plural(events - fleetEvents, "event")} of ${plural(clones, "clone")} and ${fleetEvents} of the fleet${end}; ${compared}`;
}
