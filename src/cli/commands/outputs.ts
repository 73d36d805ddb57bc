import type { OperationAnswer } from "../../api/operations/table.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { OutputState, OutputsView, OutputView } from "../../core/status/outputs.ts";
import { command } from "../command.ts";
import type { Controller } from "../controller.ts";
import { EXIT, usageError } from "../exit.ts";
import { table } from "../format/table.ts";
import { plural, wrap } from "../format/words.ts";
import { type Io, oneLine } from "../io.ts";
import { count, option } from "../options.ts";

interface OutputsOptions {
  readonly get?: string;
  readonly only?: string;
  readonly run?: number;
}

/** What became of one output that was to be fetched. */
interface Fetched {
  readonly path: string;
  readonly state: "written" | "already_there" | "refused";
  readonly file: string | null;
  readonly problem: string | null;
}

/** Needs nothing but the controller's address and its token: what is fetched comes from there, in parts. */
export const outputs = command<OutputsOptions, [name: string]>({
  usage: "outputs <name>",
  summary: "List what a mission handed in, or fetch it",
  examples: ["factory outputs license-audit", "factory outputs license-audit --get results"],
  options: [
    option("--get <dir>", "fetch into this folder; nothing in it is written over"),
    option("--only <path>", "fetch this one alone"),
    option("--run <n>", "of this run (default: the newest that was judged)").argParser(count),
  ],
  async run({ io, json, controller, options }, name) {
    const ask = await controller();
    const seen = await handedIn(ask, name, options.run);
    if (options.get === undefined) {
      if (options.only !== undefined) throw usageError("--only says what to fetch; --get says where to");
      if (json) io.json(ask.wire("outputs", seen));
      else show(seen, io);
      return EXIT.fine;
    }
    const wanted = wantedOf(seen, options.only);
    const fetched = await fetchAll(ask, { seen, wanted, folder: options.get, io });
    if (json) io.json({ ...ask.wire("outputs", seen), folder: options.get, fetched });
    else report(fetched, { io, folder: options.get });
    return fetched.every(({ state }) => state !== "refused") ? EXIT.fine : EXIT.problems;
  },
});

/** Rejects with what is known instead where there is no such run. */
export async function handedIn(ask: Controller, name: string, run?: number): Promise<OutputsView> {
  const seen = await ask.call("outputs", { name, ...(run === undefined ? {} : { run }) });
  if (seen !== null) return seen;
  // Rejects for a name that nobody has.
  await ask.look("why", { name });
  const any = run === undefined ? null : await ask.call("outputs", { name });
  throw new FactoryError(
    "cli/no-run",
    "wait",
    any === null
      ? `${name} has not begun, so it has handed in nothing; \`factory why ${name}\` says what it waits for`
      : `${name} has no run ${run} that is still known; there ${any.otherRuns.length === 0 ? "is" : "are"} ${[any.run, ...any.otherRuns].join(", ")}`,
  );
}

function wantedOf(seen: OutputsView, only: string | undefined): readonly OutputView[] {
  if (only === undefined) return seen.outputs.filter(({ required }) => required);
  const one = seen.outputs.find(({ path }) => path === only);
  if (one !== undefined) return [one];
  const names = seen.outputs.map(({ path }) => oneLine(path)).join(", ");
  throw usageError(`${seen.mission} has no output ${only}; it has ${names === "" ? "none" : names}`);
}

async function fetchAll(
  ask: Controller,
  {
    seen,
    wanted,
    folder,
    io,
  }: {
    readonly seen: OutputsView;
    readonly wanted: readonly OutputView[];
    readonly folder: string;
    readonly io: Io;
  },
): Promise<readonly Fetched[]> {
  const { clashing, save } = await import("../save.ts");
  const clashes = clashing(wanted.map(({ path }) => path));
  const fetched: Fetched[] = [];
  for (const output of wanted) {
    const { path, bytes, sha256, state, statusPath } = output;
    io.progress(`fetching ${oneLine(path)}`);
    const clash = clashes.get(path);
    try {
      if (state !== "kept" || bytes === null || sha256 === null)
        throw refusal(
          `${WHY_NOT[state]}${statusPath === null ? "" : `; the status branch has it at ${statusPath}`}`,
        );
      if (clash !== undefined)
        throw refusal(
          `some file systems would take it for ${oneLine(clash)}; fetch it into another folder with --only`,
        );
      const content = () => partsOf(ask, seen, output);
      fetched.push({ path, problem: null, ...(await save(folder, { path, bytes, sha256, content })) });
    } catch (error) {
      // One that cannot be written is no reason to leave out the others; a controller that is gone is.
      if (!(error instanceof FactoryError) || error.code.startsWith("controller/")) throw error;
      fetched.push({ path, state: "refused", file: null, problem: error.message });
    }
  }
  return fetched;
}

const WHY_NOT: Readonly<Record<OutputState, string>> = {
  kept: "its size or its digest is not on record, so it cannot be checked",
  awaited: "the mission has not been judged, so nothing was kept yet",
  missing: "it was not handed in",
  lost: "its copy is not where it was kept, on the controller's machine",
  reported: "its agent named it and the contract does not, so no copy was kept",
};

/** As many parts as it has; whether they are what was promised is looked at where they are written. */
async function* partsOf(
  ask: Controller,
  { mission: name, run }: OutputsView,
  { path, bytes, sha256 }: OutputView,
): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < (bytes ?? 0); ) {
    const answer: OperationAnswer<"output"> = await ask.call("output", { name, run, path, from });
    if (answer === null) throw refusal(WHY_NOT.lost);
    if (answer.sha256 !== sha256) throw refusal("it was judged anew meanwhile; fetch it again");
    const part = Buffer.from(answer.content, "base64");
    if (part.byteLength === 0) return;
    yield part;
    from += part.byteLength;
  }
}

function refusal(message: string): FactoryError {
  return new FactoryError("cli/output", "stall", message);
}

function report(
  fetched: readonly Fetched[],
  { io, folder }: { readonly io: Io; readonly folder: string },
): void {
  for (const { path, state, problem } of fetched) {
    const [sign, text] =
      state === "refused"
        ? ([io.paint("red", "✘"), `${oneLine(path)}: ${oneLine(problem ?? "")}`] as const)
        : ([io.paint("green", "✔"), `${oneLine(path)}${state === "written" ? "" : " (was there)"}`] as const);
    io.out(`${sign} ${wrap(text, io.width - 2, "  ")}`);
  }
  if (fetched.length === 0) {
    io.out("Its contract requires no outputs, so there is nothing to fetch.");
    return;
  }
  const done = fetched.filter(({ state }) => state !== "refused").length;
  io.out(
    `${done} of ${plural(fetched.length, "output")} in ${oneLine(folder)}, each with the digest on record.`,
  );
}

function show(seen: OutputsView, io: Io): void {
  const { mission, run, clone, outcome, keptAt, otherRuns } = seen;
  io.out(
    `${io.paint("bold", oneLine(mission))} run ${run}, ${outcome ?? "not closed yet"}; ${oneLine(clone)}`,
  );
  printOutputs(seen.outputs, io);
  if (otherRuns.length > 0)
    io.out(wrap(`Other runs: ${otherRuns.join(", ")} (\`factory outputs ${mission} --run <n>\`).`, io.width));
  const shown = seen.outputs.filter(({ statusPath }) => statusPath !== null);
  if (shown.length > 0)
    io.out(
      `${shown.length} of ${seen.outputs.length} on the status branch: missions/${oneLine(mission)}/outputs/${run}/`,
    );
  if (keptAt === null) return;
  io.out(`Kept on the controller's machine: ${oneLine(keptAt)}`);
  if (seen.outputs.some(({ state }) => state === "kept"))
    io.out(`  ${io.paint("cyan", "→")} factory outputs ${oneLine(mission)}${outcomeRun(seen)} --get <dir>`);
}

/** Nothing where it goes without saying. */
function outcomeRun({ run, otherRuns }: OutputsView): string {
  return otherRuns.some((other) => other > run) ? ` --run ${run}` : "";
}

const SHA_SHOWN = 12;

/** The table, and what is wrong with each; a sentence where there is none. */
export function printOutputs(outputs: readonly OutputView[], io: Io): void {
  if (outputs.length === 0) {
    io.out("It handed in no files.");
    return;
  }
  io.out(
    table(
      [
        { title: "OUTPUT", grows: true },
        { title: "BYTES", right: true },
        { title: "KIND" },
        { title: "SHA256" },
        { title: "STATE" },
      ],
      outputs.map(({ path, bytes, mediaType, sha256, state, problems }) => [
        oneLine(path),
        bytes === null ? "–" : String(bytes),
        kind(mediaType),
        sha256?.slice(0, SHA_SHOWN) ?? "–",
        problems.length === 0 ? state : `${state}, ✘`,
      ]),
      { width: io.width },
    ),
  );
  for (const { path, problems } of outputs)
    for (const problem of problems)
      io.out(`  ${io.paint("red", "✘")} ${wrap(oneLine(`${path} ${problem}`), io.width - 4, "    ")}`);
}

/** `markdown`, `json`, `binary`: what a column has room for. */
function kind(mediaType: string): string {
  const [, short = mediaType] = mediaType.split("/");
  if (short === "plain") return "text";
  return short === "octet-stream" ? "binary" : short.replace(/^x-/, "").replace(/^(svg|sarif)\+.*/, "$1");
}
