import { existsSync } from "node:fs";
import { join } from "node:path";
import { asFactoryError } from "../../core/model/error.ts";
import { type SwitchScope, scopeText } from "../../core/model/kill-switch.ts";
import { type Call, command } from "../command.ts";
import type { Controller } from "../controller.ts";
import { scopeOf } from "../kill-switch/scope.ts";
import { option, reason } from "../options.ts";
import { dataDirOf, type Globals } from "../place.ts";

interface KillOptions {
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
export const kill = command<KillOptions, [name: string | undefined]>({
  usage: "kill [name]",
  summary: "End a mission, a label or the fleet, with proof of death",
  examples: [
    "factory kill license-audit",
    "factory kill --now license-audit",
    "factory kill --label team=platform",
    'factory kill --all --reason "they all spend"',
  ],
  options: [
    option("--all", "engage the kill switch for the whole fleet"),
    option("--label <key=value>", "engage it for every mission with this label"),
    option("--now", "skip the polite rungs of the ladder"),
    reason(),
  ],
  async run(call, name) {
    const { io, globals, options } = call;
    const scope = scopeOf(options, name);
    try {
      return await killThrough(await call.controller(), scope, options);
    } catch (error) {
      const { code, message } = asFactoryError(error);
      // Stop wins also where somebody else may stand in the controller's place: they are told nothing.
      const away = AWAY.has(code);
      if (!away || !isOurs(globals)) throw error;
      io.progress(`${message}; ${scopeText(scope)} is ended without it`);
      return killWithout(call, scope);
    }
  },
});

const AWAY: ReadonlySet<string> = new Set([
  "controller/unreachable",
  "controller/unavailable",
  "controller/unproven",
]);

function killThrough(ask: Controller, scope: SwitchScope, options: KillOptions): Promise<number> {
  const { now, reason: why } = options;
  return scope.type === "mission"
    ? ask.order("kill", { name: scope.name, reason: why, now: now === true })
    : ask.order("engageKillSwitch", { scope, reason: why });
}

async function killWithout(call: Call<KillOptions>, scope: SwitchScope): Promise<number> {
  const { engageWithoutController } = await import("../kill-switch/without-controller.ts");
  return engageWithoutController(call, scope);
}

/**
 * Whether something of this machine has ever run on the data directory. A controller elsewhere can only be asked; here
 * lies the file that the shims obey.
 */
function isOurs(globals: Globals): boolean {
  return existsSync(join(dataDirOf(globals), "installation.json"));
}
