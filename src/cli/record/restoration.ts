/** A lost record, rebuilt: what is there is looked at, what must not be rebuilt is refused, and the rest is done in one go. */
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { commitSigner } from "../../adapters/git/commit-signature.ts";
import { createLog } from "../../adapters/log/log.ts";
import { formerHolderOf } from "../../adapters/store/sqlite/holder.ts";
import { openSqliteStore } from "../../adapters/store/sqlite/store.ts";
import { systemClock } from "../../adapters/system/clock.ts";
import {
  identityFile,
  openDataDirectory,
  readIdentity,
  readStatusKey,
} from "../../adapters/system/data-directory.ts";
import { openKillSwitchFile } from "../../adapters/system/kill-switch-file.ts";
import { assertOwnFolder } from "../../adapters/system/own-folder.ts";
import { systemRandom } from "../../adapters/system/random.ts";
import { operator } from "../../core/model/actor.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { FleetState } from "../../core/model/fleet-state.ts";
import { merged, switchText } from "../../core/model/kill-switch.ts";
import { openDrivers } from "../../drivers.ts";
import { putAside } from "../../instance/put-aside.ts";
import { restoreRecord, type Survey, surveyRecord } from "../../reconciler/record/restore.ts";
import { takeRightToAct } from "../../reconciler/record/right-to-act.ts";
import { actorName } from "../place.ts";
import { inspect, type Remains } from "./lost.ts";
import type { Published } from "./published.ts";
import { planTakeover, type TakeoverPlan, type TakeoverWords, takeOver } from "./takeover.ts";

export interface RestorationPlace {
  readonly dataDir: string;
  readonly source: string;
  readonly published: Published;
  readonly words: TakeoverWords;
  readonly signal: AbortSignal;
}

export interface Restoration {
  readonly survey: Survey;
  /** The head of the journal as it was published. */
  readonly anchor: NonNullable<Survey["rebuild"]["anchor"]>;
  /** What is left of the old record. */
  readonly remains: Remains;
  /** Whether the installation's key is still here. */
  readonly keyKept: boolean;
  readonly file: string;
  /** On what it rests that this installation may act, and nobody else does. */
  readonly takeover: TakeoverPlan["takeover"];
  /** Puts aside what is left, and rebuilds. Answers where the old record is; null when nothing was left of it. */
  rebuild(how: { readonly json: boolean }): Promise<string | null>;
}

/** Looks, and refuses with a sentence where nothing can or must be rebuilt. Changes nothing; rejects `lease/elsewhere` while somebody may be at work. */
export async function findRestoration(place: RestorationPlace): Promise<Restoration> {
  const { dataDir, published, signal } = place;
  const file = join(dataDir, "factory.db");
  const found = await readIdentity(dataDir);
  // A controller that was refused has made itself at home before it knew.
  const identity = found?.installation === installationIn(published.files) ? found : null;
  const clock = systemClock();
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  assertOwnFolder(dataDir);
  refuseBesideController(file);
  const installation = identity?.installation ?? installationIn(published.files);
  const pem = await readStatusKey(dataDir);
  const key = pem === null ? null : commitSigner(pem).publicKey;
  const plan = planTakeover({ dataDir, key, published, words: place.words });
  const { takeover, formerHome } = plan;
  const look = (): Promise<Survey> =>
    surveyRecord({
      files: published.files,
      commit: published.commit ?? "",
      drivers: [
        ...openDrivers({
          dataDir,
          installation,
        }).values(),
      ],
      former: formerHome === null ? [] : [...openDrivers({ dataDir: formerHome, installation }).values()],
      keyKept: identity !== null,
      epochFloor: takeover.epochFloor,
      unproven: takeover.unproven,
      clock,
      signal,
    });
  const survey = await look();
  const anchor = anchorIn(survey, place);
  const remains = await inspect(file, anchor);
  refuseWholeRecord(remains, file);
  refuseStrange({ anchor, remains, found, identity, dataDir });
  return {
    survey,
    anchor,
    remains,
    keyKept: identity !== null,
    file,
    takeover,
    // From here on a repetition does the same again; a controller that is started in between refuses the record.
    async rebuild({ json }) {
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
        const log = createLog({ level: "warn", json, stream: process.stderr, clock, redact: new Set() });
        const holder = `factory restore, process ${process.pid} on ${hostname()}`;
        const right = await takeRightToAct({ lease: store.lease, store, holder, clock, log }, signal);
        const lease = await takeOver(plan, { ...place, installation: anchor.installation });
        // Looked at again: the world went on while it was being shown.
        const by = operator(actorName());
        await restoreRecord(await look(), { store, by, clock, log, right, lease, signal });
        keepEngaged((await store.load()).fleet, dataDir);
      } finally {
        await store.close();
      }
      return aside;
    },
  };
}

/**
 * A loss releases nothing: what the rebuilt record has engaged stands in the file again, which shims and commands
 * read without a controller.
 */
function keepEngaged({ killSwitch: { engaged, released } }: FleetState, dataDir: string): void {
  const file = openKillSwitchFile(dataDir);
  const before = file.read();
  const both = merged({ engaged, released }, before);
  if (switchText(both) !== switchText(before)) file.write(both);
}

function anchorIn({ rebuild }: Survey, { source, published }: RestorationPlace): Restoration["anchor"] {
  const { anchor } = rebuild;
  const problems = [
    // Left out, it would be a hole in the record of which nothing tells.
    ...published.tooLarge.map(
      (path) => `${path} on the status branch cannot be used: it is larger than what is read back`,
    ),
    ...rebuild.problems,
  ];
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
  return anchor;
}

type Identity = NonNullable<Awaited<ReturnType<typeof readIdentity>>>;

/** A data directory of another installation, or of another repository, is not rebuilt from this branch. */
function refuseStrange(at: {
  readonly anchor: Restoration["anchor"];
  readonly remains: Remains;
  readonly found: Identity | null;
  readonly identity: Identity | null;
  readonly dataDir: string;
}): void {
  const { anchor, remains, found, identity, dataDir } = at;
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
