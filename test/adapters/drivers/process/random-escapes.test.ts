import { describe, expect } from "vitest";
import { benchEscapes, shutIn, USERS } from "./escapes.ts";

/** `ESCAPES=1000 npx vitest run --project long random-escapes` tries as many. */
const COUNT = Number(process.env["ESCAPES"] ?? "100");
const MS_EACH = 10_000;

describe.each(USERS)("as user %i", (user) => {
  shutIn(
    `${COUNT} agents that try every way out at random are dead when they are said to be`,
    async () => {
      const seed = 20_261_123;
      const report = await benchEscapes({ count: Math.ceil(COUNT / USERS.length), seed, user });
      expect(report).toMatchObject({ lies: 0 });
    },
    COUNT * MS_EACH,
  );
});
