import { wireOf } from "../../adapters/http/client.ts";
import { openFactory, type RunningFactory } from "../../app.ts";
import { operator } from "../../core/model/actor.ts";
import { FINAL_PHASES } from "../../core/model/mission.ts";
import type { FleetView } from "../../core/status/view.ts";
import { gitAccess } from "../access.ts";
import type { Call } from "../command.ts";
import { EXIT, usageError } from "../exit.ts";
import { fleetText } from "../format/fleet-text.ts";
import { sourceOf } from "../origin.ts";
import { actorName, dataDirOf, findFleetDir } from "../place.ts";

export interface RunOptions {
  readonly source?: string;
  readonly branch: string;
  readonly poll?: number;
  readonly cron?: string;
  readonly once?: boolean;
  readonly untilClosed?: boolean;
  readonly host?: string;
  readonly port?: number;
  readonly callback?: "socket" | "network";
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly installation?: string;
  readonly fresh?: boolean;
  readonly containment?: "cgroup" | "pidns" | "group";
  readonly logLevel: "debug" | "info" | "warn" | "error";
  readonly logJson?: boolean;
}

/** Signals that ask for an end in order. What runs goes on and is adopted by the next controller. */
const END_SIGNALS = ["SIGINT", "SIGTERM"] as const;

/**
 * Runs the controller until it is stopped, or until its work is done
 * (`--once`, `--until-closed`). SIGHUP makes it look at the repository at once, SIGUSR2 engages the kill
 * switch for the whole fleet; SIGINT and
 * SIGTERM end it in order, a second one at once. The clones live on in either case.
 */
export async function runController({ io, globals, options }: Call<RunOptions>): Promise<number> {
  if (options.once === true && options.untilClosed === true) {
    throw usageError("--once and --until-closed exclude each other");
  }
  io.outliveReaders();
  const source = await sourceOf(globals, options.source);
  const checkout = findFleetDir(globals);
  const factory = await openFactory({
    dataDir: dataDirOf(globals),
    source,
    branch: options.branch,
    once: options.once === true,
    untilClosed: options.untilClosed === true,
    ...(options.fresh === true ? { fresh: operator(actorName()) } : {}),
    logLevel: options.logLevel,
    logJson: options.logJson === true || globals.json === true,
    ...gitAccess(process.env),
    ...(checkout === null ? {} : { checkout }),
    ...(options.host === undefined ? {} : { host: options.host }),
    ...(options.port === undefined ? {} : { port: options.port }),
    ...(options.callback === undefined ? {} : { callback: options.callback }),
    ...certificateOf(options),
    ...(options.containment === undefined ? {} : { containment: options.containment }),
    ...(options.poll === undefined ? {} : { pollMs: options.poll }),
    ...(options.cron === undefined ? {} : { cron: options.cron }),
    ...(options.installation === undefined ? {} : { installation: options.installation }),
  });
  const release = obeySignals(factory);
  // Only what ends by itself has a result; the others show theirs with `factory status`.
  const ends = options.once === true || options.untilClosed === true;
  try {
    await factory.done;
  } finally {
    release();
  }
  if (!ends) return EXIT.fine;
  const fleet = await factory.controlPlane.operations.fleet({}, operator("controller"));
  if (globals.json === true) io.json(wireOf("fleet", fleet));
  else io.raw(fleetText(fleet, [], io));
  return verdict(fleet, options);
}

function certificateOf({ tlsCert: cert, tlsKey: key }: RunOptions) {
  if (cert === undefined && key === undefined) return {};
  if (cert === undefined || key === undefined)
    throw usageError(
      "--tls-cert and --tls-key belong together: a certificate proves nothing without its key",
    );
  return { certificate: { cert, key } };
}

/** The first signal asks for an end in order; after it, a second one has its usual effect. */
function obeySignals(factory: RunningFactory): () => void {
  const look = (): void => factory.poke();
  const killAll = (): void => {
    const asked = { scope: { type: "fleet" }, reason: "by a signal to the controller" } as const;
    void factory.controlPlane.operations.engageKillSwitch(asked, operator("SIGUSR2"));
  };
  const release = (): void => {
    for (const signal of END_SIGNALS) process.off(signal, end);
    process.off("SIGHUP", look);
    process.off("SIGUSR2", killAll);
  };
  const end = (): void => {
    release();
    void factory.stop();
  };
  for (const signal of END_SIGNALS) process.on(signal, end);
  process.on("SIGHUP", look);
  process.on("SIGUSR2", killAll);
  return release;
}

function verdict(fleet: FleetView, options: RunOptions): number {
  if (fleet.source.state === "error") return EXIT.problems;
  if (options.once === true) {
    return fleet.issues.some((issue) => issue.severity === "error") ? EXIT.problems : EXIT.fine;
  }
  const over = fleet.missions.filter((mission) => FINAL_PHASES.has(mission.phase));
  return over.every((mission) => mission.phase === "Completed") ? EXIT.fine : EXIT.problems;
}
