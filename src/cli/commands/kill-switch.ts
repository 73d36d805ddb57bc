import { openKillSwitchFile } from "../../adapters/system/kill-switch-file.ts";
import type { OperationAnswer } from "../../api/operations/table.ts";
import { asFactoryError } from "../../core/model/error.ts";
import { entryText, release, type SwitchState, scopeText } from "../../core/model/kill-switch.ts";
import { connect } from "../controller.ts";
import { EXIT, usageError } from "../exit.ts";
import { dataDirOf } from "../place.ts";
import type { Call } from "../program.ts";
import { scopeOf } from "./kill.ts";

export interface SwitchOptions {
  readonly all?: boolean;
  readonly label?: string;
  readonly reason: string;
}

/** Shows the kill switch, or releases it. Without a controller the file alone is read and changed. */
export async function killSwitch(
  call: Call<SwitchOptions>,
  verb: string,
  name: string | undefined,
): Promise<number> {
  if (verb === "status") return status(call);
  if (verb !== "release")
    throw usageError(`${verb}: expected status or release; \`factory kill\` engages it`);
  const { io, globals, options } = call;
  const scope = options.all === true ? null : scopeOf(options, name);
  const answer = await whereItIs(
    call,
    (client) =>
      client.call("releaseKillSwitch", { ...(scope === null ? {} : { scope }), reason: options.reason }),
    (file) => {
      const next = release(file.read(), {
        scope,
        by: `operator:${process.env["FACTORY_ACTOR"] ?? process.env["USER"] ?? "operator"}`,
        reason: options.reason,
        atMs: Date.now(),
      });
      if (next === null)
        return {
          ok: false as const,
          code: "conflict" as const,
          message: `it is not engaged${scope === null ? "" : ` for ${scopeText(scope)}`}`,
        };
      file.write(next);
      return {
        ok: true as const,
        message: "the kill switch is released; missions that it ended stay cancelled",
      };
    },
  );
  if (globals.json === true) io.json({ scope, ...answer });
  else if (answer.ok) io.out(answer.message);
  if (!answer.ok) io.err(`error: ${answer.message}`);
  return answer.ok ? EXIT.fine : EXIT.problems;
}

/** Exit 0: nothing is engaged; 1: something is. */
async function status(call: Call<SwitchOptions>): Promise<number> {
  const { io, globals } = call;
  const view = await whereItIs<OperationAnswer<"killSwitch">>(
    call,
    (client) => client.call("killSwitch"),
    (file) => ({ ...(file.read() as SwitchState), file: file.path }),
  );
  if (globals.json === true) io.json(view);
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
  { globals }: Call<SwitchOptions>,
  asked: (client: ReturnType<typeof connect>) => Promise<T>,
  alone: (file: ReturnType<typeof openKillSwitchFile>) => T,
): Promise<T> {
  try {
    return await asked(connect(globals));
  } catch (error) {
    if (asFactoryError(error).code !== "controller/unreachable") throw error;
    return alone(openKillSwitchFile(dataDirOf(globals)));
  }
}
