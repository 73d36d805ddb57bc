import { expect, test } from "vitest";
import { receiverDown } from "../chaos/scenarios/receiver-down.ts";

/** A short outage, whose end is the alert over the other channel; half a minute of it is in `npm run chaos`. */
test("a receiver that was down gets every notice once and in order, and the alert came over the other channel", async () => {
  const lines: string[] = [];
  const result = await receiverDown({ log: (line) => lines.push(line), outageMs: 0 });
  expect(result).toMatchObject({ detected: "hook: notices do not get through", lost: null });
  expect(result.detectedAfterMs).toBeGreaterThan(0);
}, 180_000);
