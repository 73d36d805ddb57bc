import type { InboxItem } from "../../core/status/view.ts";
import { command } from "../command.ts";
import { EXIT } from "../exit.ts";
import { reason } from "../options.ts";

/** Every open question about the freeze is answered with `go_on`, recorded with who and why. */
export const release = command<{ reason: string }, [name: string]>({
  usage: "release <name>",
  summary: "Let a mission go on that is frozen because of one of its actions",
  examples: [
    "factory actions license-audit",
    'factory release license-audit --reason "the mail went out once"',
  ],
  options: [reason()],
  async run({ io, json, controller, options }, name) {
    const ask = await controller();
    const { items } = await ask.call("inbox");
    const clone = await ask.call("clone", { name });
    const mission = clone?.mission ?? name;
    const frozen = items.filter((item) => item.kind === "lane" && item.subject === mission);
    if (frozen.length === 0) {
      if (clone === null) await ask.look("mission", { name: mission });
      const message = notFrozen(name, items);
      if (json) io.json({ name, ok: false, code: "conflict", message });
      io.err(`error: ${message}`);
      return EXIT.problems;
    }
    let code: number = EXIT.fine;
    for (const { id } of frozen)
      code = Math.max(code, await ask.order("decide", { id, decision: "go_on", reason: options.reason }));
    return code;
  },
});

function notFrozen(name: string, inbox: readonly InboxItem[]): string {
  const others = [...new Set(inbox.filter(({ kind }) => kind === "lane").map(({ subject }) => subject))];
  const which = others.length === 0 ? "no lane is" : `frozen are ${others.join(", ")}`;
  return `${name} is not frozen by an action; ${which} (\`factory resume\` ends a pause)`;
}
