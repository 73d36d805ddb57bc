import { describe, expect, test } from "vitest";
import { ATTACKS } from "../../../../bench/escapes.ts";
import { benchEscapes, capabilities, expectHeld, shutIn, USERS } from "./escapes.ts";

const TIMEOUT_MS = 240_000;
/** What asks the kernel itself, and what waits for a pause, are tried in each containment. */
const CONTAINMENTS = ["auto", "pidns"] as const;

test("a machine where this runs as root has what the rest needs", () => {
  if (process.getuid?.() === 0) expect(capabilities.sandboxed).toBe(true);
});

describe.each(USERS)("as user %i", (user) => {
  shutIn.each(CONTAINMENTS)(
    "every way out is closed, or a death is not said to be proven (%s)",
    async (containment) => {
      // Where abstract sockets cannot be kept from an agent, its machine says so: `npm run bench -- --only escapes` shows it.
      const scoped = capabilities.notes.some((note) => note.startsWith("Landlock"));
      const attacks = ATTACKS.filter((attack) => scoped || attack !== "server_abstract");
      const report = await benchEscapes({ count: attacks.length, user, containment, attacks });
      expect(Object.keys(report.attacks).sort()).toEqual([...attacks].sort());
      expectHeld(report);
    },
    TIMEOUT_MS,
  );

  test(
    "what escapes from a group is never said to be dead",
    async () => {
      const attacks = ["daemons", "server_tmp"] as const;
      const report = await benchEscapes({ count: 2, user, containment: "group", attacks });
      expect(report.lies).toBe(0);
      for (const attack of attacks) expect(report.attacks[attack]).toMatchObject({ escaped: 1, unproven: 1 });
    },
    TIMEOUT_MS,
  );
});
