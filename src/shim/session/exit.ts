import { join } from "node:path";
import type { Redactor } from "../../core/model/redact.ts";
import { type Exceeded, exceededText } from "../../core/model/resources.ts";
import { writeFileDurably } from "../../instance/files.ts";
import { type AgentExit, crashSignature } from "../agents/signature.ts";
import type { Reporter } from "../callback/reporter.ts";
import type { Clocks } from "./clocks.ts";
import { meaningOf } from "./ending-meaning.ts";
import type { Life } from "./life.ts";

/** How the agent ended, to the controller and on disk for whoever comes when the shim is gone. */
export function reportExit(
  exit: AgentExit,
  parts: {
    readonly life: Life;
    readonly clocks: Clocks;
    readonly reporter: Reporter;
    readonly redactor: Redactor;
    /** It had been asked to end. */
    readonly stopped: boolean;
    /** What it took of its machine, where it was ended for that. */
    readonly exceeded: Exceeded | null;
  },
): void {
  const { life, clocks, stopped, exceeded } = parts;
  const meaning = meaningOf(exit, life.settings.agent);
  const facts = {
    code: exit.code,
    signal: exit.signal,
    signature: crashSignature(exit),
    stderr_tail: exit.stderrTail,
    active_ms: clocks.activeMs(),
    ...(clocks.throttledMs() > 0 ? { throttled: true } : {}),
    ...(life.run?.unauthorized() === true || meaning.type === "unauthorized" ? { auth: true } : {}),
    ...(exceeded === null ? {} : { exceeded }),
    stopped,
  };
  parts.reporter.report({
    type: "instance.exited",
    status: exceeded === null && (exit.code === 0 || stopped) ? "completed" : "failed",
    summary:
      exceeded !== null
        ? exceededText(exceeded)
        : exit.signal === null
          ? `the agent ended with code ${exit.code}`
          : `the agent ended by ${exit.signal}`,
    detail: facts,
  });
  writeFileDurably(
    join(life.instanceDirectory, "exit.json"),
    `${JSON.stringify(parts.redactor.deep(facts))}\n`,
  );
}
