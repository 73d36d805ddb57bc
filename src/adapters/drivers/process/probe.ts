/** Looks at one instance from outside, for whoever doubts that it is well. */
import type { Probed, ProcessState } from "../../../core/model/liveness.ts";
import { lookAtAgent } from "../../../shim/agent-process.ts";
import { processState, signalProcess } from "../../../shim/process-table.ts";
import { callShim } from "./control-client.ts";
import { type Instance, targetOf } from "./layout.ts";

/** A shim that is well answers within milliseconds; a ladder must not wait long for one that is not. */
const PROBE_TIMEOUT_MS = 2_000;

export async function probeInstance(instance: Instance, signal: AbortSignal): Promise<Probed> {
  const { shim: shimId, agent: record } = targetOf(instance);
  const shim: ProcessState = shimId === null ? "gone" : processState(shimId);
  const agent = record === null ? "none" : lookAtAgent(record).state;
  const answers = shim === "running" && (await isAnswering(instance, signal));
  const pid = shimId === null ? "" : ` (pid ${shimId.pid})`;
  const says = shim !== "running" ? "" : answers ? " and answers" : " and does not answer";
  return { shim, agent, answers, evidence: `its shim${pid} is ${shim}${says}; its agent is ${agent}` };
}

/** Continues a shim that is stopped; false when it is not. */
export function wakeShim(instance: Instance): boolean {
  const { shim } = targetOf(instance);
  return shim !== null && processState(shim) === "stopped" && signalProcess(shim, "SIGCONT");
}

async function isAnswering(instance: Instance, signal: AbortSignal): Promise<boolean> {
  const { socket, nonce } = instance.intent;
  try {
    await callShim({ socket, nonce, method: "status", params: {}, timeoutMs: PROBE_TIMEOUT_MS, signal });
    return true;
  } catch {
    return false; // Unreachable and refused alike: it is not the shim that we look for.
  }
}
