import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { openKillSwitchFile } from "../../adapters/system/kill-switch-file.ts";
import { asFactoryError, FactoryError } from "../../core/model/error.ts";
import type { DeathProof, ObservedInstance } from "../../core/model/instance.ts";
import { covers, engage, type SwitchScope, scopeText } from "../../core/model/kill-switch.ts";
import { openDrivers } from "../../drivers.ts";
import type { Driver } from "../../ports/driver.ts";
import type { Call } from "../command.ts";
import { EXIT } from "../exit.ts";
import { controllerAddress, dataDirOf } from "../place.ts";

/** The shims' own ladder from SIGTERM on, and some time for a busy machine. */
const OBEY_MS = 15_000;
const LOOK_MS = 200;
const NOW = { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 } as const;

interface Ended {
  readonly clone: string;
  readonly epoch: number;
  readonly how: "its shim obeyed" | "ended from here" | "still lives";
  readonly proof: DeathProof | null;
}

/**
 * Engages the switch by its file and waits until everything that it covers is dead. Shims obey by themselves; one
 * that cannot, because it is stopped or the file cannot be written, is ended from here. Exit 0: all are proven dead.
 */
export async function engageWithoutController(
  { io, globals, options }: Call<{ readonly reason: string; readonly now?: boolean }>,
  scope: SwitchScope,
): Promise<number> {
  const dataDir = dataDirOf(globals);
  const identity = join(dataDir, "installation.json");
  if (!existsSync(identity))
    throw new FactoryError(
      "cli/no-data",
      "stall",
      `${dataDir} is not a data directory; name one with --data`,
    );
  const { installation } = JSON.parse(readFileSync(identity, "utf8")) as { installation: string };
  const file = openKillSwitchFile(dataDir);
  let written = true;
  try {
    const at = new Date().toISOString();
    file.write(engage(file.read(), { scope, by: `operator:${actor(globals)}`, reason: options.reason, at }));
  } catch (error) {
    written = false;
    io.err(
      `warning: ${file.path} cannot be written (${asFactoryError(error).message}); ending what lives from here`,
    );
  }
  const drivers = [...openDrivers({ dataDir, installation }).values()];
  const wait = written && options.now !== true;
  const ended = (await Promise.all(drivers.map((driver) => endCovered(driver, scope, wait)))).flat();
  const dead = ended.every(({ proof }) => proof !== null);
  if (globals.json === true) io.json({ scope, file: file.path, written, ended });
  else {
    if (written) io.out(`the kill switch is engaged for ${scopeText(scope)}: ${file.path}`);
    for (const { clone, epoch, how, proof } of ended)
      io.out(`${clone} epoch ${epoch}: ${how}${proof === null ? "" : `; ${proofText(proof)}`}`);
    if (ended.length === 0) io.out("nothing of it lives");
  }
  return dead && written ? EXIT.fine : EXIT.problems;
}

function proofText({ evidence, unproven }: DeathProof): string {
  return unproven === undefined ? evidence : `its death is unproven: ${unproven}; looked at: ${evidence}`;
}

async function endCovered(driver: Driver, scope: SwitchScope, wait: boolean): Promise<readonly Ended[]> {
  const signal = AbortSignal.timeout(4 * OBEY_MS);
  const covered = (await driver.list(signal)).instances.filter(
    (seen) => seen.state !== "dead" && isCovered(seen, scope),
  );
  const deadline = performance.now() + (wait ? OBEY_MS : 0);
  let living = new Set(covered.map(keyOf));
  while (living.size > 0 && performance.now() < deadline) {
    await sleep(LOOK_MS);
    const { instances } = await driver.list(signal);
    living = new Set(
      instances
        .filter(({ state }) => state !== "dead")
        .map(keyOf)
        .filter((key) => living.has(key)),
    );
  }
  return Promise.all(
    covered.map(async (seen): Promise<Ended> => {
      const { clone, epoch } = seen.handle;
      try {
        const proof = await driver.stop(seen.handle, NOW, signal);
        return { clone, epoch, how: living.has(keyOf(seen)) ? "ended from here" : "its shim obeyed", proof };
      } catch {
        return { clone, epoch, how: "still lives", proof: null };
      }
    }),
  );
}

/** By what was said at its launch; one from before that was said counts only for the whole fleet and by its name. */
function isCovered({ handle, subject }: ObservedInstance, scope: SwitchScope): boolean {
  return covers(scope, subject ?? { clone: handle.clone, mission: null, labels: {} });
}

function keyOf({ handle }: ObservedInstance): string {
  return `${handle.clone}/${handle.epoch}/${handle.nonce}`;
}

function actor(globals: Parameters<typeof dataDirOf>[0]): string {
  try {
    return controllerAddress(globals).actor;
  } catch {
    return process.env["FACTORY_ACTOR"] ?? process.env["USER"] ?? "operator";
  }
}
