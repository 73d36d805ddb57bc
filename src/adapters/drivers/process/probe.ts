/** Looks at one instance from outside, for whoever doubts that it is well. */
import type { Probed, ProcessState } from "../../../core/model/liveness.ts";
import { refuseShortage } from "../../../core/model/shortage.ts";
import { lookAtAgent } from "../../../instance/agent-process.ts";
import { isRecord } from "../../../instance/files.ts";
import { processState, signalProcess } from "../../../instance/process-table.ts";
import { callShim } from "./control-client.ts";
import { type Instance, targetOf } from "./layout.ts";

/** A shim that is well answers within milliseconds; a ladder must not wait long for one that is not. */
const PROBE_TIMEOUT_MS = 2_000;

export async function probeInstance(instance: Instance, signal: AbortSignal): Promise<Probed> {
  const { shim: shimId, agent: record } = targetOf(instance);
  const shim: ProcessState = shimId === null ? "gone" : processState(shimId);
  const agent = record === null ? "none" : lookAtAgent(record).state;
  const answer = shim === "running" ? await answerOf(instance, signal) : null;
  const answers = answer !== null;
  const pid = shimId === null ? "" : ` (pid ${shimId.pid})`;
  const says = shim !== "running" ? "" : answers ? " and answers" : " and does not answer";
  const evidence = `its shim${pid} is ${shim}${says}; its agent is ${agent}`;
  return { shim, agent, answers, evidence, ...saidIn(answer) };
}

/** Continues a shim that is stopped; false when it is not. */
export function wakeShim(instance: Instance): boolean {
  const { shim } = targetOf(instance);
  return shim !== null && processState(shim) === "stopped" && signalProcess(shim, "SIGCONT");
}

async function answerOf(instance: Instance, signal: AbortSignal): Promise<{ readonly said: unknown } | null> {
  const { socket, nonce } = instance.intent;
  try {
    const call = { socket, nonce, method: "status", params: {}, timeoutMs: PROBE_TIMEOUT_MS, signal };
    return { said: await callShim(call) };
  } catch (error) {
    refuseShortage(error, "the instance cannot be looked at");
    return null; // Unreachable and refused alike: it is not the shim that we look for.
  }
}

/** What the shim says of itself; what it does not say, or says wrongly, is left out. */
function saidIn(answer: { readonly said: unknown } | null): Pick<Probed, "activeMs" | "unreachedMs"> {
  const said = isRecord(answer?.said) ? answer.said : {};
  const activeMs = isRecord(said["usage"]) ? said["usage"]["active_ms"] : undefined;
  const unreachedMs = said["unreached_ms"];
  return {
    ...(isDuration(activeMs) ? { activeMs } : {}),
    ...(isDuration(unreachedMs) ? { unreachedMs } : {}),
  };
}

function isDuration(value: unknown): value is number {
  return typeof value === "number" && value >= 0 && Number.isFinite(value);
}
