/** A shim in reserve, until it is the shim of an instance or goes away unused. */
import { closeSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { type Intent, readIntent } from "../instance/claim.ts";
import { type LaunchSettings, readOrder } from "../instance/launch-settings.ts";
import { takeOnMarks } from "../instance/reserve.ts";

/** What a shim begins with, before its claim. */
export interface Launch {
  readonly instanceDirectory: string;
  readonly settings: LaunchSettings;
  readonly intent: Intent;
}

/**
 * Waits for an order and takes on all that a shim started for that instance would have from its first instruction on: log,
 * working directory, cgroup, marker and arguments. All of it stands before the claim, so that whoever has to end a claimed
 * instance finds its shim by each of them.
 *
 * "unused" when the input ends without an order: whoever held it in reserve is gone, or needs it no more. A text says what is in the
 * way; then nothing was claimed, and the driver starts a shim in the ordinary way.
 */
export async function becomeInstance(input: Readable): Promise<Launch | "unused" | string> {
  const order = await readOrder(input);
  if (order === "none") return "unused";
  if (order === null) return "the order did not arrive whole";
  const { directory: instanceDirectory, nonce, settings } = order;
  const intent = readIntent(instanceDirectory);
  if (intent?.nonce !== nonce) return `no intent of this launch in ${instanceDirectory}`;
  try {
    process.chdir(instanceDirectory);
    logInto(join(instanceDirectory, "shim.log"));
    const { cgroup } = intent.containment;
    if (cgroup !== null) writeFileSync(join(cgroup, "shim", "cgroup.procs"), "0");
    takeOnMarks(order);
  } catch (error) {
    return `the reserve cannot become this instance: ${error instanceof Error ? error.message : String(error)}`;
  }
  return { instanceDirectory, settings, intent };
}

/** Standard output and error: a file that is opened gets the lowest number that is free, and nothing else is opened between the two steps. */
function logInto(path: string): void {
  for (const descriptor of [1, 2]) {
    closeSync(descriptor);
    const opened = openSync(path, "a", 0o600);
    if (opened !== descriptor) throw new Error(`descriptor ${descriptor} was taken by somebody else`);
  }
}
