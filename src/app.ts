/** Composition root: picks the adapters and joins the parts. Knows everything, decides nothing. */
import { mkdir } from "node:fs/promises";
import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { schedule, validate } from "node-cron";
import { ABOUT } from "./about.ts";
import { createDrills, DRILL_INSTALLATION } from "./adapters/drill/drill.ts";
import { createGitHub } from "./adapters/forge/github/forge.ts";
import { commitSigner, fingerprintOf } from "./adapters/git/commit-signature.ts";
import { ALLOWED_SIGNERS, createCommitSigners } from "./adapters/git/commit-signers.ts";
import type { GitAccess } from "./adapters/git/environment.ts";
import { createGitProposals } from "./adapters/git/proposals.ts";
import { createProposedMerges } from "./adapters/git/proposed-merges.ts";
import { createGitSource } from "./adapters/git/source.ts";
import { createStatusBranch } from "./adapters/git/status-branch.ts";
import type { CertificateFiles } from "./adapters/http/identity.ts";
import { openListeners } from "./adapters/http/listeners.ts";
import { createHttpInCoreLane } from "./adapters/in-core/http-lane.ts";
import { createJudge } from "./adapters/judge/judge.ts";
import { createLog, type LogLevel } from "./adapters/log/log.ts";
import { createNotifiers } from "./adapters/notify/notifiers.ts";
import { fileAt, recalling, remembering } from "./adapters/secrets/given.ts";
import { createSecrets } from "./adapters/secrets/secrets.ts";
import { formerHolderOf, isHeld } from "./adapters/store/sqlite/holder.ts";
import { openSqliteStore } from "./adapters/store/sqlite/store.ts";
import { systemClock } from "./adapters/system/clock.ts";
import { identityFile, openDataDirectory } from "./adapters/system/data-directory.ts";
import { watchDescriptors } from "./adapters/system/descriptors.ts";
import { openKillSwitchFile } from "./adapters/system/kill-switch-file.ts";
import { knownFleets, localPathOf, rememberFleet } from "./adapters/system/known-fleets.ts";
import { leasePlace } from "./adapters/system/lease-place.ts";
import { openOperatorTokens } from "./adapters/system/operator-tokens.ts";
import { assertOwnFolder } from "./adapters/system/own-folder.ts";
import { systemRandom } from "./adapters/system/random.ts";
import { createTraces } from "./adapters/trace/traces.ts";
import { createCommitSubjects } from "./cli/plan/commit-subjects.ts";
import { createProposalPlanner } from "./cli/plan/proposal-planner.ts";
import type { Actor } from "./core/model/actor.ts";
import type { DesiredState } from "./core/model/desired.ts";
import { asFactoryError, FactoryError } from "./core/model/error.ts";
import type { ForgePolicy } from "./core/model/forge.ts";
import type { InstanceHandle } from "./core/model/instance.ts";
import { sameValue } from "./core/model/same.ts";
import { NO_SECRETS } from "./core/model/secret-policy.ts";
import { collectFrom, type DriverRegistry, openDrivers } from "./drivers.ts";
import { keepSpareDescriptors, spareDescriptorsFor } from "./instance/spare-descriptors.ts";
import type { ControlPlane } from "./ports/control-plane.ts";
import type { ContainmentChoice, Driver } from "./ports/driver.ts";
import type { Forge, OpenForge } from "./ports/forge.ts";
import type { Log } from "./ports/log.ts";
import type { ProposalPreview } from "./ports/proposal-preview.ts";
import type { Secrets } from "./ports/secrets.ts";
import type { Source } from "./ports/source.ts";
import type { StatusBranch } from "./ports/status-branch.ts";
import type { Store } from "./ports/store.ts";
import type { ControllerParts } from "./reconciler/assembly/parts.ts";
import { type Controller, createController } from "./reconciler/controller.ts";
import { startLoop } from "./reconciler/loop/loop.ts";

export interface FactoryOptions {
  /** Everything that this installation remembers. Made when absent; one controller at a time. */
  readonly dataDir: string;
  /** URL or path of the fleet repository. */
  readonly source: string;
  readonly branch: string;
  /** Default: what `fleet.yaml` says at the start, `factory/status` if it says nothing. */
  readonly statusBranch?: string;
  /** Where status is pushed to; the source by default. */
  readonly statusUrl?: string;
  readonly access?: GitAccess;
  /** Default: made at the first start and kept. */
  readonly installation?: string;
  /** With one of these it listens on a port as well as on its socket, and proves itself there by a certificate. Default host: 127.0.0.1. */
  readonly host?: string;
  /** Default: the port of last time, so that instances elsewhere find the controller again. 0: any. */
  readonly port?: number;
  /** Default: one of its own, known by its fingerprint. */
  readonly certificate?: CertificateFiles;
  /** How instances of this machine report: over its socket (the default), or as those elsewhere do. */
  readonly callback?: "socket" | "network";
  /** Between two looks at the repository. Default 30 s. */
  readonly pollMs?: number;
  /** Looks at the repository on this schedule instead. */
  readonly cron?: string;
  readonly once?: boolean;
  readonly untilClosed?: boolean;
  readonly logLevel?: LogLevel;
  readonly logJson?: boolean;
  /** Begin a new record although the status branch knows of missions. */
  readonly fresh?: Actor;
  /** The work tree of the fleet from which it was started, for agents not to see. */
  readonly checkout?: string;
  /** What holds the processes of an instance together; default: the best that the machine offers. */
  readonly containment?: ContainmentChoice;
  /** Default: every driver that there is. */
  readonly drivers?: DriverRegistry;
}

export interface RunningFactory {
  /** `unix:<path>` */
  readonly url: string;
  /** `https://host:port#sha256=<fingerprint>`; null without a port. */
  readonly network: string | null;
  readonly installation: string;
  readonly controlPlane: ControlPlane;
  /** Resolves when the loop ended by itself or was stopped, and everything is closed. */
  readonly done: Promise<void>;
  /** Look at the repository now. */
  poke(): void;
  stop(): Promise<void>;
}

const DEFAULT_STATUS_BRANCH = "factory/status";
const DEFAULT_POLL_MS = 30_000;
const PROBE_TIMEOUT_MS = 60_000;
/** With a schedule: looks all the same this often, in case the schedule never falls due. */
const CRON_FALLBACK_POLL_MS = 3_600_000;

/** Starts a controller. Rejects with `store/locked` when one runs on the same data directory. */
export async function openFactory(options: FactoryOptions): Promise<RunningFactory> {
  if (options.cron !== undefined && !validate(options.cron)) {
    throw new FactoryError(
      "cron/invalid",
      "stall",
      `${JSON.stringify(options.cron)} is not a cron expression such as "*/5 * * * *"`,
    );
  }
  const ground = await openGround(options);
  const { clock, random, log, store, data } = ground;
  const parts = openParts(ground, options, () => controller.fleetSnapshot().desired);
  if (options.fresh !== undefined && (await store.load()).lastSeq === 0)
    await beginAnew([...parts.drivers.values()], store);
  const controller: Controller = await createController(parts);
  const listeners = await listen(ground, { options, controller, drivers: parts.drivers });
  const { socket: url, network, older } = listeners;
  await data.announce({
    url,
    ...(network === null ? {} : { network }),
    ...(older === null ? {} : { older }),
    pid: process.pid,
    startedAt: clock.now(),
  });
  const elsewhere = network?.replace("#", "/v1/events#") ?? null;
  const here = options.callback === "network" && elsewhere !== null ? elsewhere : url;
  controller.listenAt({ socket: here, network: elsewhere });
  controller.resume();
  if (options.once !== true) controller.startReviews();
  const ready = [...parts.drivers.values()].map((driver) => driver.keepReady?.());
  const { installation, repository } = data;
  const where = network === null ? { url } : { url, network };
  log.info("the controller is up", { ...where, installation, source: repository, branch: options.branch });
  void warnAboutMachine(parts.drivers, options.source, log);
  const loop = startLoop(
    controller,
    { clock, random, log },
    {
      pollMs: options.pollMs ?? (options.cron === undefined ? DEFAULT_POLL_MS : CRON_FALLBACK_POLL_MS),
      untilClosed: options.untilClosed ?? false,
      once: options.once ?? false,
    },
  );
  const task = options.cron === undefined ? null : schedule(options.cron, () => loop.poke());
  const close = () =>
    shutdown(log, [
      () => task?.destroy(),
      () => listeners.close(),
      () => controller.close(),
      () => parts.reviews.preview.close(),
      ...ready.map((release) => () => release?.()),
      () => parts.source.close(),
      () => store.close(),
      () => data.retract(),
      () => keepSpareDescriptors(0),
    ]);
  const done = loop.done.finally(close);
  return {
    url,
    network,
    installation,
    controlPlane: controller.controlPlane,
    done,
    poke: () => loop.poke(),
    async stop() {
      loop.stop();
      await done.catch(() => {});
    },
  };
}

/** What a person should know who has not asked `factory doctor`. Looked at beside everything else, and once. */
async function warnAboutMachine(
  drivers: ReadonlyMap<string, Driver>,
  source: string,
  log: Log,
): Promise<void> {
  for (const [name, driver] of drivers) {
    try {
      const { sandboxed, unproven } = await driver.capabilities(AbortSignal.timeout(PROBE_TIMEOUT_MS));
      if (unproven !== undefined)
        log.warn(
          "no death of an instance can be proven on this machine: each holds its lane until a person says that it goes on; see `factory doctor`",
          { driver: name, unproven },
        );
      const origin = localPathOf(source);
      if (origin !== null && sandboxed === false)
        log.warn(
          "the source lies on this machine, and agents run as the user who can write to it: one could push what is then obeyed; see `factory doctor`",
          { driver: name, origin },
        );
    } catch {
      // It will be met again at the first start, which says more.
    }
  }
}

/** What everything else stands on: the record, the data directory's identity, the log, the clock. */
async function openGround(options: FactoryOptions) {
  const clock = systemClock();
  const random = systemRandom();
  const dataDir = resolve(options.dataDir);
  keepSpareDescriptors(spareDescriptorsFor());
  await mkdir(dataDir, { recursive: true, mode: 0o700 });
  assertOwnFolder(dataDir);
  const store = await openSqliteStore({ file: join(dataDir, "factory.db") });
  const data = await openDataDirectory({
    directory: dataDir,
    random,
    repository: options.source,
    ...(options.installation === undefined ? {} : { installation: options.installation }),
  });
  // Grows with every secret that is resolved: the log reads it anew for each line.
  const redact = new Set([data.operatorToken]);
  const log = createLog({
    level: options.logLevel ?? "info",
    json: options.logJson ?? false,
    stream: process.stderr,
    clock,
    redact,
  });
  const descriptors = watchDescriptors({ clock, log });
  return { clock, random, dataDir, store, data, redact, log, descriptors };
}

type Ground = Awaited<ReturnType<typeof openGround>>;

/** The adapters, each with its own folder of the data directory. `desired`: what the repository says, once it was read. */
function openParts(
  ground: Ground,
  options: FactoryOptions,
  desired: () => DesiredState | null,
): ControllerParts & { readonly source: Source } & Required<Pick<ControllerParts, "reviews">> {
  const { clock, dataDir, store, data, redact, log } = ground;
  const access = options.access === undefined ? {} : { access: options.access };
  const source = createGitSource({
    url: options.source,
    branch: options.branch,
    directory: join(dataDir, "mirror.git"),
    log,
    ...access,
  });
  const where = { env: process.env, root: join(dataDir, "secrets") };
  const own = remembering(createSecrets(where), redact);
  const allowed = createSecrets({
    ...where,
    policy: () => desired()?.fleet.secrets ?? NO_SECRETS,
    repositoryFile: (path, signal) => fileAt(source, desired()?.revision ?? null, path, signal),
  });
  const given = new Map<string, string>();
  const secrets = remembering(allowed, redact, given);
  const machinery = openMachinery(ground, options);
  const collect = collectFrom(machinery.drivers);
  const signer = commitSigner(data.statusKey);
  log.info("what is published is signed", {
    key: signer.publicKey,
    fingerprint: fingerprintOf(signer.publicKey),
  });
  return {
    store,
    lease: store.lease,
    leasePlace: leasePlace({
      dataDir,
      key: signer.publicKey,
      identityFile: identityFile(dataDir),
      random: ground.random,
      isWorkedOn: (home) => isWorkedOn(home, dataDir),
    }),
    holder: `${data.installation}, process ${process.pid} on ${hostname()}`,
    source,
    statusBranch: openedLater(() =>
      createStatusBranch({
        url: options.statusUrl ?? options.source,
        branch: options.statusBranch ?? desired()?.fleet.writeBack.branch ?? DEFAULT_STATUS_BRANCH,
        directory: join(dataDir, "status.git"),
        clock,
        log,
        signer,
        listed: () => desired()?.fleet.writeBack.keys ?? [],
        ...access,
      }),
    ),
    ...(options.statusUrl === undefined ? {} : { statusElsewhere: true as const }),
    ...machinery,
    secrets,
    secretsGiven: recalling(given, { own, allowed: secrets }),
    inCore: createHttpInCoreLane({ secrets: own, clock }),
    proposals: createGitProposals({
      url: options.source,
      base: options.branch,
      directory: join(dataDir, "proposals.git"),
      clock,
      ...access,
    }),
    traces: createTraces({ directory: join(dataDir, "traces"), clock, collect }),
    judge: createJudge({
      directory: join(dataDir, "judged"),
      source,
      clock,
      collect,
      hidden: hiddenFromAgents(dataDir, options),
    }),
    descriptors: ground.descriptors,
    notifiers: createNotifiers({ secrets: own, clock, log, dataDir, env: process.env }),
    reviews: openReviews(ground, options, own),
    clock,
    log,
    program: ABOUT,
    installation: data.installation,
    repository: data.repository,
    key: data.key,
    operatorToken: data.operatorToken,
    operatorTokens: openOperatorTokens({ directory: dataDir, random: ground.random }),
    ...(options.fresh === undefined ? {} : { fresh: options.fresh }),
  };
}

/** Where changes are reviewed, and what they would do: worked out away from what is obeyed. */
function openReviews(
  { clock, dataDir, data: { repository } }: Ground,
  options: FactoryOptions,
  secrets: Secrets,
): Required<ControllerParts>["reviews"] {
  const merges = createProposedMerges({
    url: options.source,
    branch: options.branch,
    directory: join(dataDir, "reviews.git"),
    ...(options.access === undefined ? {} : { access: options.access }),
  });
  const planner = createProposalPlanner({ clock });
  const preview: ProposalPreview = {
    async preview(proposal, signal) {
      const merge = await merges.merge(proposal, signal);
      if (merge.type !== "merged") return merge;
      const { directory, commit: merged } = merge;
      return planner.plan({ ...proposal, directory, merged, repository }, signal);
    },
    close: () => planner.close(),
  };
  return {
    open: sharedByPolicy((policy) => createGitHub({ policy, secrets, clock })),
    preview,
    subjects: createCommitSubjects({ merges, repository }),
    signers: createCommitSigners({ merges, allowedSigners: join(dataDir, ALLOWED_SIGNERS) }),
    branch: options.branch,
    pollMs: options.pollMs ?? DEFAULT_POLL_MS,
  };
}

/** One credential has one budget, whoever asks. */
function sharedByPolicy(open: OpenForge): OpenForge {
  let opened: { readonly policy: ForgePolicy; readonly forge: Forge } | null = null;
  return (policy) => {
    if (opened === null || !sameValue(opened.policy, policy)) opened = { policy, forge: open(policy) };
    return opened.forge;
  };
}

/** What starts, ends and drills instances on this machine. */
function openMachinery({ dataDir, data, log, clock, random }: Ground, options: FactoryOptions) {
  const killSwitch = openKillSwitchFile(dataDir);
  const hidden = hiddenFromAgents(dataDir, options);
  const containment = options.containment === undefined ? {} : { containment: options.containment };
  return {
    killSwitch,
    drivers: openDrivers(
      { dataDir, installation: data.installation, killSwitch: killSwitch.path, log, hidden, ...containment },
      options.drivers,
    ),
    drills: createDrills({
      // With a home of its own: nothing of a drill is ever taken for an instance of the fleet.
      drivers: openDrivers(
        { dataDir: join(dataDir, "drills"), installation: DRILL_INSTALLATION, hidden, ...containment },
        options.drivers,
      ),
      directory: join(dataDir, "drills"),
      clock,
      random,
      onProblem: (message) => log.warn("the result of a drill could not be written down", { message }),
    }),
  };
}

/** This fleet and every other of this user: what they keep, and what they are made from, where that lies on this machine. */
function hiddenFromAgents(dataDir: string, { source, checkout }: FactoryOptions): () => readonly string[] {
  const local = localPathOf(source);
  const origins = [...(local === null ? [] : [local]), ...(checkout === undefined ? [] : [checkout])];
  rememberFleet({ dataDir, origins });
  return () => [...origins, dataDir, ...knownFleets().flatMap((fleet) => [fleet.dataDir, ...fleet.origins])];
}

/** Whether a controller works on the record of a data directory of this machine, ourselves apart. */
function isWorkedOn(home: string, ours: string): boolean {
  const file = join(home, "factory.db");
  return home === ours ? formerHolderOf(file) !== null : isHeld(file);
}

/** Opened with the first page, when `fleet.yaml` has been read: it may name the branch. */
function openedLater(open: () => StatusBranch): StatusBranch {
  let opened: StatusBranch | null = null;
  const branch = (): StatusBranch => {
    opened ??= open();
    return opened;
  };
  return {
    read: (signal) => branch().read(signal),
    publish: (change, signal) => branch().publish(change, signal),
  };
}

/**
 * A new record knows of no instance and counts epochs from 1 again, so nothing may live that it would start a second
 * time, and the fences of the old epochs have to be out of the way. Rejects `record/living` before anything is put aside.
 */
async function beginAnew(drivers: readonly Driver[], store: Store): Promise<void> {
  const signal = AbortSignal.timeout(LIVING_TIMEOUT_MS);
  const living: InstanceHandle[] = [];
  let complete = true;
  for (const driver of drivers) {
    const listing = await driver.list(signal);
    complete &&= listing.complete;
    living.push(...listing.instances.filter(({ state }) => state !== "dead").map(({ handle }) => handle));
    living.push(...((await driver.orphans?.find(signal)) ?? []));
  }
  if (living.length === 0 && complete) {
    for (const driver of drivers) await driver.setAside(signal);
    return;
  }
  await store.close();
  const names = living.slice(0, LIVING_NAMED).map(({ clone, epoch }) => `${clone}/${epoch}`);
  const named = `${names.join(", ")}${living.length > names.length ? ", …" : ""}`;
  throw new FactoryError(
    "record/living",
    "stall",
    `${living.length} instances of this data directory live (${complete ? named : "and not all could be listed"}): a new record would start them a second time. \`factory restore\` takes them up or ends them with proof`,
  );
}

const LIVING_TIMEOUT_MS = 30_000;
const LIVING_NAMED = 5;

function listen(
  { clock, log, data, dataDir, descriptors }: Ground,
  {
    options: { host, port, certificate, callback },
    controller: { controlPlane },
    drivers,
  }: {
    readonly options: FactoryOptions;
    readonly controller: Controller;
    readonly drivers: ReadonlyMap<string, Driver>;
  },
) {
  const asked =
    host !== undefined || port !== undefined || certificate !== undefined || callback === "network";
  return openListeners({
    controlPlane,
    clock,
    log,
    dataDir,
    network: asked
      ? {
          host: host ?? "127.0.0.1",
          ...(port === undefined ? {} : { port }),
          ...(certificate === undefined ? {} : { certificate }),
        }
      : null,
    lastPort: data.port,
    onFull: (listener) => descriptors.full(listener),
    older:
      data.olderPort === null
        ? null
        : { port: data.olderPort, living: async () => (await unproving([...drivers.values()])).length },
  });
}

async function unproving(drivers: readonly Driver[]): Promise<readonly InstanceHandle[]> {
  const signal = AbortSignal.timeout(LIVING_TIMEOUT_MS);
  return (await Promise.all(drivers.map((driver) => driver.unproving?.(signal) ?? []))).flat();
}

/** Every part gets its chance to close in order, whatever the ones before it did. */
async function shutdown(log: Log, steps: readonly (() => Promise<unknown> | unknown)[]): Promise<void> {
  for (const step of steps) {
    try {
      await step();
    } catch (error) {
      log.warn("a part did not close in order", { error: asFactoryError(error).message });
    }
  }
}
