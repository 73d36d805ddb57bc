import type { InboxItem } from "../../core/status/view.ts";
import { connect, report, unknownName } from "../controller.ts";
import { EXIT } from "../exit.ts";
import type { Call } from "../program.ts";

/** Lets a lane go on that an action has frozen: every open question about it is answered with `go_on`, recorded with who and why. */
export async function release(
  { io, globals, options }: Call<{ reason: string }>,
  name: string,
): Promise<number> {
  const client = connect(globals);
  const inbox = (await client.call("inbox")).items;
  const mission = (await client.call("clone", { name }))?.mission ?? name;
  const frozen = inbox.filter((item) => item.kind === "lane" && item.subject === mission);
  if (frozen.length === 0) {
    if (
      (await client.call("mission", { name: mission })) === null &&
      (await client.call("clone", { name })) === null
    )
      throw await unknownName(client, name);
    const answer = { ok: false, code: "conflict", message: notFrozen(name, inbox) } as const;
    return report(answer, { io, client, name, json: globals.json === true });
  }
  let code: number = EXIT.fine;
  for (const { id } of frozen) {
    const answer = await client.call("decide", { id, decision: "go_on", reason: options.reason });
    code = Math.max(code, await report(answer, { io, client, name, json: globals.json === true }));
  }
  return code;
}

function notFrozen(name: string, inbox: readonly InboxItem[]): string {
  const others = [...new Set(inbox.filter(({ kind }) => kind === "lane").map(({ subject }) => subject))];
  const which = others.length === 0 ? "no lane is" : `frozen are ${others.join(", ")}`;
  return `${name} is not frozen by an action; ${which} (\`factory resume\` ends a pause)`;
}
