#!/usr/bin/env node
/**
 * factory-shim: owns one agent. `factory-shim <instance folder>`, with the launch
 * settings as one JSON document on standard input; or in reserve, where the folder is not known yet and comes with them (`reserve.ts`).
 *
 * Order matters: the settings are read to their end, then the epoch is claimed, and
 * only then anything is done that the world could notice. A shim whose driver died before it had
 * written everything goes away without having claimed, so the driver's next attempt can have the
 * epoch; a shim that comes too late finds the epoch claimed or fenced and goes away as well.
 */
import { flushCompileCache } from "node:module";
import { extname, join, resolve } from "node:path";
import { claimEpoch, readIntent } from "../instance/claim.ts";
import { closeInherited } from "../instance/descriptors.ts";
import { readSettings } from "../instance/launch-settings.ts";
import { isReserveArgument } from "../instance/reserve.ts";
import { keepSpareDescriptors } from "../instance/spare-descriptors.ts";
import { becomeInstance, type Launch } from "./reserve.ts";
import { listenForControl } from "./session/control.ts";
import { createSession } from "./session/session.ts";

/** Exit codes; the driver shows them with the end of `shim.log`. */
const EXIT = { ended: 0, unusable: 64, internal: 70, notOurs: 75 } as const;
/** A look at the kill switch or at the processes takes one or two, and a stop asks nobody else. */
const SPARE_DESCRIPTORS = 8;
/** Beside this file, as source and as bundle. */
const TOOLS_PROGRAM = join(import.meta.dirname, `tools-main${extname(import.meta.filename)}`);
const DOOR_PROGRAM = join(import.meta.dirname, `door-main${extname(import.meta.filename)}`);

async function main(): Promise<void> {
  const argument = process.argv[2] ?? ".";
  process.umask(0o077);
  closeInherited();
  const launch = isReserveArgument(argument)
    ? await becomeInstance(process.stdin)
    : await ownLaunch(argument);
  if (launch === "unused") return process.exit(EXIT.ended);
  if (typeof launch === "string") return leave(EXIT.unusable, launch);
  const { instanceDirectory, settings, intent } = launch;
  // Not before: a shim in reserve takes descriptors 1 and 2 anew.
  keepSpareDescriptors(SPARE_DESCRIPTORS);
  const claim = claimEpoch(instanceDirectory, intent);
  if (claim !== "claimed") return leave(EXIT.notOurs, `epoch ${intent.epoch} of ${intent.clone} is ${claim}`);

  const session = createSession({
    instanceDirectory,
    intent,
    settings,
    toolsProgram: TOOLS_PROGRAM,
    doorProgram: DOOR_PROGRAM,
    onEnd: () => process.exit(EXIT.ended),
  });
  process.on("SIGTERM", () => session.end("SIGTERM"));
  for (const signal of ["SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
  await listenForControl({ socket: intent.socket, nonce: intent.nonce, methods: session.methods });
  session.prepare();
  // A shim usually ends by a signal, and then its cache would never be written for the next one.
  flushCompileCache();
}

/** Of a shim that was started for its instance, or what is wrong with it. */
async function ownLaunch(folder: string): Promise<Launch | string> {
  const instanceDirectory = resolve(folder);
  const settings = await readSettings(process.stdin);
  if (settings === null) return "the launch settings did not arrive whole";
  const intent = readIntent(instanceDirectory);
  return intent === null ? `no intent in ${instanceDirectory}` : { instanceDirectory, settings, intent };
}

/** Without handlers an exception would print its message, and messages may quote what we must not show. */
function crash(error: unknown): void {
  const name = error instanceof Error ? error.name : typeof error;
  const frames =
    error instanceof Error ? (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)) : [];
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  leave(EXIT.internal, [`${name} ${code}`, ...frames].join("\n"));
}

function leave(code: number, message: string): void {
  process.stderr.write(`factory-shim: ${message}\n`);
  process.exit(code);
}

process.on("uncaughtException", crash);
process.on("unhandledRejection", crash);
main().catch(crash);
