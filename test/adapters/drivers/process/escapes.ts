/** Escapes, each tried by a real agent, as whoever runs the tests and, where that is root, as an ordinary user too. */
import { expect, test } from "vitest";
import { benchEscapes, type EscapeReport } from "../../../../bench/escapes.ts";
import { probeMachine } from "../../../../src/adapters/drivers/process/capabilities.ts";
import { mustHave } from "../../../support/no-excuse.ts";

/** The user and group nobody: there on every Linux. */
const NOBODY = 65_534;
const own = process.getuid?.() ?? -1;
export const USERS = own === 0 ? [0, NOBODY] : [own];

export const { capabilities } = await probeMachine("escapes", "auto");

/** Where root has bubblewrap nothing of this may be skipped. */
export const shutIn = test.skipIf(capabilities.sandboxed !== true && !mustHave("bwrap"));

/** Nothing got out, and every death was proven. */
export function expectHeld(report: EscapeReport): void {
  expect(report.lies).toBe(0);
  for (const [attack, { escaped, unproven, ranInPause }] of Object.entries(report.attacks))
    expect({ attack, escaped, unproven, ranInPause }).toEqual({
      attack,
      escaped: 0,
      unproven: 0,
      ranInPause: 0,
    });
}

export { benchEscapes };
