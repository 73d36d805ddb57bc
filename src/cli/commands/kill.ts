import { existsSync } from "node:fs";
import { join } from "node:path";
import { asFactoryError } from "../../core/model/error.ts";
import { type SwitchScope, scopeText } from "../../core/model/kill-switch.ts";
import { connect, report } from "../controller.ts";
import { EXIT, usageError } from "../exit.ts";
import { engageWithoutController } from "../kill-switch/without-controller.ts";
import { dataDirOf, type Globals } from "../place.ts";
import type { Call } from "../program.ts";

export interface KillOptions {
  readonly now?: boolean;
  readonly all?: boolean;
  readonly label?: string;
  readonly reason: string;
}

/**
 * Asks for the end of a mission and its instance, or engages the kill switch for a label or the whole fleet. Passes
 * every hold, window and queue; the proof of death is on record when it is done. Without a controller the
 * switch is engaged by its file, which the shims obey by themselves, and the proofs are taken here.
 */
export async function kill(call: Call<KillOptions>, name: string | undefined): Promise<number> {
  const { io, globals, options } = call;
  const scope = scopeOf(options, name);
  const client = clientOrNull(call);
  if (client === null) return engageWithoutController(call, scope);
  try {
    if (scope.type === "mission" && options.all !== true && options.label === undefined) {
      const answer = await client.call("kill", {
        name: scope.name,
        reason: options.reason,
        now: options.now === true,
      });
      return await report(answer, { io, client, name: scope.name, json: globals.json === true });
    }
    const answer = await client.call("engageKillSwitch", { scope, reason: options.reason });
    if (globals.json === true) io.json({ scope, ...answer });
    else if (answer.ok) io.out(answer.message);
    if (!answer.ok) io.err(`error: ${answer.message}`);
    return answer.ok ? EXIT.fine : EXIT.problems;
  } catch (error) {
    const { code } = asFactoryError(error);
    const away = code === "controller/unreachable" || code === "controller/unavailable";
    if (!away || !isOurs(globals)) throw error;
    io.progress(`${asFactoryError(error).message}; ${scopeText(scope)} is ended without it`);
    return engageWithoutController(call, scope);
  }
}

/** A controller elsewhere can only be asked; here there is a data directory, and with it the file. */
function clientOrNull({ globals }: Call<KillOptions>): ReturnType<typeof connect> | null {
  try {
    return connect(globals);
  } catch (error) {
    if (asFactoryError(error).code === "controller/unreachable" && isOurs(globals)) return null;
    throw error;
  }
}

/** Whether something of this machine has ever run on the data directory. */
function isOurs(globals: Globals): boolean {
  return existsSync(join(dataDirOf(globals), "installation.json"));
}

export function scopeOf(
  { all, label }: { readonly all?: boolean | undefined; readonly label?: string | undefined },
  name: string | undefined,
): SwitchScope {
  const given = [all === true, label !== undefined, name !== undefined].filter(Boolean).length;
  if (given !== 1)
    throw usageError("name one: a mission or clone, --label <key>=<value>, or --all for the whole fleet");
  if (all === true) return { type: "fleet" };
  if (name !== undefined) return { type: "mission", name };
  const [, key = "", value = ""] = /^([^=]+)=(.*)$/.exec(label ?? "") ?? [];
  if (key === "") throw usageError(`--label ${label}: expected <key>=<value>, for example team=platform`);
  return { type: "label", key, value };
}
