import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { createLog } from "../../adapters/log/log.ts";
import { formerHolderOf } from "../../adapters/store/sqlite/holder.ts";
import { openSqliteStore } from "../../adapters/store/sqlite/store.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import { identityFile, openDataDirectory, readIdentity } from "../../adapters/system/data-directory.ts";
import { systemRandom } from "../../adapters/system/random.ts";
import { operator } from "../../core/model/actor.ts";
import { FactoryError } from "../../core/model/error.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import { openDrivers } from "../../drivers.ts";
import { putAside } from "../../instance/put-aside.ts";
import { restoreRecord, type Survey, surveyRecord } from "../../reconciler/record/restore.ts";
import { takeRightToAct } from "../../reconciler/record/right-to-act.ts";
import { EXIT } from "../exit.ts";
import { plural, wrap } from "../format/words.ts";
import { oneLine } from "../io.ts";
import { sourceOf } from "../origin.ts";
import { actorName, dataDirOf } from "../place.ts";
import type { Call } from "../program.ts";
import { inspect, type Remains } from "../record/lost.ts";
import { readPublished } from "../record/published.ts";
import { verifyRecord } from "../record/verify.ts";

/** Looking at everything, and ending who cannot go on. */
const TIMEOUT_MS = 10 * MINUTE_MS;

export interface RestoreOptions {
  readonly source?: string;
  readonly branch: string;
  readonly statusBranch?: string;
  readonly yes?: boolean;
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
  const file = join(dataDir, "factory.db");
  const source = await sourceOf(globals, options.source);
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  io.progress("reading the status branch");
  const published = await readPublished({
    source,
    branch: options.branch,
    ...(options.statusBranch === undefined ? {} : { statusBranch: options.statusBranch }),
  });
  const found = await readIdentity(dataDir);
  // A controller that was refused has made itself at home before it knew.
  const identity = found?.installation === installationIn(published.files) ? found : null;
  const clock = systemClock();
  io.progress("looking at what lives");
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  const survey = await surveyOf();
  const { anchor, problems } = survey.rebuild;
  if (published.commit === null || anchor === null)
    throw new FactoryError(
      "record/nothing-published",
      "stall",
      published.commit === null
        ? `${source} has no branch ${published.branch}: nothing was published from the record, so nothing can be rebuilt`
        : `${published.branch} holds no head of a journal: ${problems[0] ?? "nothing was published from the record"}`,
    );
  if (problems.length > 0)
    throw new FactoryError(
      "record/unreadable",
      "stall",
      `${problems.length === 1 ? "" : `${problems.length} problems, the first: `}${problems[0]}; correct the file on ${published.branch}, its history has it`,
    );
  refuseBesideController(file);
  const remains = await inspect(file, anchor);
  refuseWholeRecord(remains, file);
  if (found !== null && identity === null && remains.type === "readable")
    throw new FactoryError(
      "record/other-installation",
      "stall",
      `${dataDir} belongs to ${found.installation}, the status branch to ${anchor.installation}`,
    );
  if (identity !== null && identity.repository !== anchor.repository)
    throw new FactoryError(
      "record/other-repository",
      "stall",
      `${dataDir} belongs to ${identity.repository}, the status branch to ${anchor.repository}`,
    );
  show(survey, remains);
  if (options.yes !== true) {
    if (globals.json === true) io.json(result(false, null));
    else io.out("Nothing was done. `factory restore --yes` does it.");
    return EXIT.problems;
  }

  // From here on a repetition does the same again; a controller that is started in between refuses the record.
  const aside = await putAside(file);
  const store = await openSqliteStore({ file });
  try {
    if (identity === null) await putAside(identityFile(dataDir));
    await openDataDirectory({
      directory: dataDir,
      random: systemRandom(),
      repository: anchor.repository,
      ...(identity === null ? { installation: anchor.installation } : {}),
    });
    const log = createLog({
      level: "warn",
      json: globals.json === true,
      stream: process.stderr,
      clock,
      redact: new Set(),
    });
    io.progress("rebuilding the record");
    // Looked at again: the world went on while it was being shown.
    const holder = `factory restore, process ${process.pid} on ${hostname()}`;
    const right = await takeRightToAct({ lease: store.lease, store, holder, clock, log }, signal);
    await restoreRecord(await surveyOf(), {
      store,
      by: operator(actorName()),
      clock,
      log,
      right,
      signal,
    });
  } finally {
    await store.close();
  }
  const report = await verifyRecord({ dataDir, published });
  const fine = report.findings.length === 0;
  if (globals.json === true) io.json({ ...result(true, aside), findings: report.findings });
  else {
    for (const finding of report.findings) io.err(`error: ${finding.check}: ${oneLine(finding.message)}`);
    if (aside !== null) io.out(`What was left of the old record is at ${aside}.`);
    io.out(
      `The record is rebuilt: ${plural(survey.rebuild.lanes.length, "clone")}. Start the controller with \`factory run\`.`,
    );
  }
  return fine ? EXIT.fine : EXIT.problems;

  async function surveyOf(): Promise<Survey> {
    const named = identity?.installation ?? installationIn(published.files);
    const drivers = openDrivers({ dataDir, installation: named });
    return surveyRecord({
      files: published.files,
      commit: published.commit ?? "",
      drivers: [...drivers.values()],
      keyKept: identity !== null,
      clock,
      signal,
    });
  }

  function show({ rebuild, orphans }: Survey, left: Remains): void {
    if (globals.json === true) return;
    io.out(
      `The journal was published up to event ${anchor?.seq}, by ${anchor?.installation}. ${leftText(left, file)}`,
    );
    if (identity === null)
      io.out(
        "The key of this installation is lost: nobody who lives can be heard any more, and is ended with proof.",
      );
    if (orphans.length > 0)
      io.out(
        `${plural(orphans.length, "instance")} without a folder: ended with proof before anything is recorded.`,
      );
    io.out(`  ${wrap(`fleet: ${oneLine(rebuild.fleet.fate)}`, io.width - 4, "    ")}`);
    for (const { clone, fate } of rebuild.lanes)
      io.out(`  ${wrap(`${clone}: ${oneLine(fate)}`, io.width - 4, "    ")}`);
  }

  function result(done: boolean, putAsideAt: string | null) {
    const { rebuild, orphans } = survey;
    return {
      done,
      dataDir,
      anchor,
      left: remains,
      putAside: putAsideAt,
      keyKept: identity !== null,
      orphans: orphans.map(({ handle }) => ({ clone: handle.clone, epoch: handle.epoch })),
      fleet: rebuild.fleet.fate,
      clones: rebuild.lanes.map(({ clone, mission, closed, fate }) => ({ clone, mission, closed, fate })),
    };
  }
}

/** A controller under which the file was removed holds no lock that anybody meets, and has not ended. */
function refuseBesideController(file: string): void {
  const pid = formerHolderOf(file);
  if (pid === null) return;
  throw new FactoryError(
    "store/locked",
    "yield",
    `process ${pid} is a controller that still runs on the record that was removed; end it first (\`kill ${pid}\`): its clones live on`,
  );
}

function refuseWholeRecord(remains: Remains, file: string): void {
  if (remains.type !== "readable") return;
  const type = remains.verdict?.type;
  if (type !== "on_chain" && type !== "replaced_here") return;
  throw new FactoryError(
    "record/not-lost",
    "stall",
    `${file} holds ${remains.events} events and everything that was published from it: there is nothing to restore`,
  );
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

function installationIn(files: ReadonlyMap<string, string>): string {
  try {
    const { installation } = JSON.parse(files.get(".factory/journal.json") ?? "") as {
      installation?: unknown;
    };
    return typeof installation === "string" ? installation : "unknown";
  } catch {
    return "unknown";
  }
}
