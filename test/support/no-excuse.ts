/**
 * What a machine may be excused from. CI runs as root and installs what the tests need (`.ci/run`), so where root has the
 * tool a test that cannot be held there fails: a gap that nobody sees would be taken for a proof.
 */
import { spawnSync } from "node:child_process";

/** What each rests on. */
type Tool = "bwrap" | "unshare";

/** Whether a test that rests on this must be held here, whatever the machine says of itself. */
export function mustHave(tool: Tool): boolean {
  return process.getuid?.() === 0 && isThere(tool);
}

/** Skips the test, or throws where there is no excuse. */
export function excused(skip: (reason: string) => unknown, tool: Tool, reason: string): void {
  if (mustHave(tool)) throw new Error(`${reason}, although root has ${tool}: that is no reason to skip`);
  skip(reason);
}

const known = new Map<Tool, boolean>();

function isThere(tool: Tool): boolean {
  const there = known.get(tool) ?? spawnSync(tool, ["--version"], { stdio: "ignore" }).status === 0;
  known.set(tool, there);
  return there;
}
