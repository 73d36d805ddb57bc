/**
 * The rungs that a shim climbs by itself: cancel, close, SIGTERM, SIGKILL. Each is written to `ending.json` before
 * it is taken, so that whoever climbs from outside knows how far this one is. Containment and proof are not its own to
 * give: they need somebody who outlives it.
 */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Agent, EndRung } from "./agent.ts";

export interface Graces {
  /** After `{"type":"cancel"}`; 0: the input is closed with it. */
  readonly cancelGraceMs: number;
  /** The same, from the first thing that the agent goes on to do. */
  readonly cancelBusyGraceMs: number;
  readonly stdinGraceMs: number;
  readonly termGraceMs: number;
}

export type ShimRung = "cancel" | EndRung;

/** How soon it is noticed that an agent works on after it was told to stop. */
const LOOK_MS = 50;

/** Climbs until `gone`. Called again it climbs again beside the first: whichever comes to a rung first takes it. */
export async function runShimRungs(options: {
  readonly instanceDirectory: string;
  readonly agent: Pick<Agent, "cancel" | "end">;
  readonly graces: Graces;
  readonly gone: () => boolean;
  /** Milliseconds since the agent last had an effect. */
  readonly idleMs: () => number;
  /** A frozen agent hears nothing. */
  readonly thaw: () => void;
  /** Ends what a signal to the group does not reach. */
  readonly sweep: () => void;
}): Promise<void> {
  const { agent, graces, gone } = options;
  const begun = performance.now();
  const rungs: { readonly rung: ShimRung; readonly at_ms: number }[] = [];

  function take(rung: ShimRung): void {
    rungs.push({ rung, at_ms: Math.round(performance.now() - begun) });
    try {
      writeFileSync(join(options.instanceDirectory, "ending.json"), `${JSON.stringify({ rungs })}\n`, {
        mode: 0o600,
      });
    } catch {
      // A full disk hides the rung, and hinders nothing.
    }
  }

  async function wait(deadline: () => number): Promise<void> {
    while (!gone() && performance.now() < deadline()) {
      const left = deadline() - performance.now();
      await new Promise((resolve) => setTimeout(resolve, Math.max(1, Math.min(LOOK_MS, left))));
    }
  }

  take("cancel");
  agent.cancel();
  let until = performance.now() + graces.cancelGraceMs;
  const cancelledAt = performance.now();
  if (graces.cancelGraceMs > 0)
    await wait(() => {
      const workedAt = performance.now() - options.idleMs();
      // The first effect counts: one that goes on and on does not buy itself time.
      if (workedAt > cancelledAt) until = Math.min(until, workedAt + graces.cancelBusyGraceMs);
      return until;
    });
  if (gone()) return;
  take("stdin");
  agent.end("stdin");
  const closedAt = performance.now();
  await wait(() => closedAt + graces.stdinGraceMs);
  if (gone()) return;
  take("sigterm");
  options.thaw();
  agent.end("sigterm");
  const askedAt = performance.now();
  await wait(() => askedAt + graces.termGraceMs);
  if (gone()) return;
  take("sigkill");
  options.thaw();
  agent.end("sigkill");
  options.sweep();
}
