import { openKillSwitchFile } from "../../adapters/system/kill-switch-file.ts";
import type { OperationAnswer } from "../../api/operations/table.ts";
import { asFactoryError } from "../../core/model/error.ts";
import { entryText, release, type SwitchScope, scopeText } from "../../core/model/kill-switch.ts";
import type { KillSwitchFile } from "../../ports/kill-switch-file.ts";
import { type Call, command } from "../command.ts";
import type { Controller } from "../controller.ts";
import { EXIT, usageError } from "../exit.ts";
import { scopeOf } from "../kill-switch/scope.ts";
import { option, reason } from "../options.ts";
import { actorName, dataDirOf } from "../place.ts";

interface SwitchOptions {
  readonly all?: boolean;
  readonly label?: string;
  readonly reason: string;
}

/** Without a controller the file alone is read and changed. */
export const killSwitch = command<SwitchOptions, [verb: string, name: string | undefined]>({
  usage: "kill-switch <verb> [name]",
  summary: "Show or release the kill switch: status, release",
  examples: [
    "factory kill-switch status",
    'factory kill-switch release --all --reason "limits are in place"',
  ],
  options: [
    option("--all", "release: everything that people engaged"),
    option("--label <key=value>", "release: this label"),
    reason(),
  ],
  async run(call, verb, name) {
    if (verb === "status") return status(call);
    if (verb !== "release")
      throw usageError(`${verb}: expected status or release; \`factory kill\` engages it`);
    const { options } = call;
    const scope = options.all === true ? null : scopeOf(options, name);
    const asked = { ...(scope === null ? {} : { scope }), reason: options.reason };
    return whereItIs(
      call,
      (ask) => ask.order("releaseKillSwitch", asked),
      (file) => releaseFile(call, file, scope),
    );
  },
});

async function releaseFile(
  { io, json, options }: Call<SwitchOptions>,
  file: KillSwitchFile,
  scope: SwitchScope | null,
): Promise<number> {
  const next = release(file.read(), {
    scope,
    by: `operator:${actorName()}`,
    reason: options.reason,
    atMs: Date.now(),
  });
  if (next !== null) file.write(next);
  const { report } = await import("../controller.ts");
  return report(
    next === null
      ? {
          ok: false,
          code: "conflict",
          message: `it is not engaged${scope === null ? "" : ` for ${scopeText(scope)}`}`,
        }
      : { ok: true, message: "the kill switch is released; missions that it ended stay cancelled" },
    { io, json, about: { scope } },
  );
}

/** Exit 0: nothing is engaged; 1: something is. */
async function status(call: Call<SwitchOptions>): Promise<number> {
  const { io, json } = call;
  const view = await whereItIs<OperationAnswer<"killSwitch">>(
    call,
    (ask) => ask.call("killSwitch"),
    (file) => ({ ...file.read(), file: file.path }),
  );
  if (json) io.json((await import("../../adapters/http/client.ts")).wireOf("killSwitch", view));
  else {
    if (view.engaged.length === 0) io.out("the kill switch is not engaged");
    for (const entry of view.engaged) io.out(entryText(entry));
    for (const entry of view.released.slice(-5))
      io.out(
        `released for ${scopeText(entry.scope)} by ${entry.releasedBy} at ${entry.releasedAt}: ${entry.releaseReason || "no reason given"}`,
      );
    io.out(`file: ${view.file}`);
  }
  return view.engaged.length === 0 ? EXIT.fine : EXIT.problems;
}

async function whereItIs<T>(
  { globals, controller }: Call<SwitchOptions>,
  asked: (ask: Controller) => Promise<T>,
  alone: (file: KillSwitchFile & { readonly path: string }) => T | Promise<T>,
): Promise<T> {
  try {
    return await asked(await controller());
  } catch (error) {
    const { code } = asFactoryError(error);
    if (code !== "controller/unreachable" && code !== "controller/unproven") throw error;
    return alone(openKillSwitchFile(dataDirOf(globals)));
  }
}
