/**
 * The one way to signal a child of this process.
 *
 * Of a program that could not be started (it is not installed, descriptors have run out) Node keeps a handle whose number was
 * never set, and `child.kill` signals whatever number stands in that memory: another process, or 0, which is this
 * process's whole group. So a child without a number is not signalled.
 */
import type { ChildProcess } from "node:child_process";

/** Whether it was sent; false for a child that was never started or is gone. */
export function signalChild(child: Pick<ChildProcess, "pid" | "kill">, signal: NodeJS.Signals): boolean {
  return child.pid !== undefined && child.kill(signal);
}
