import { describe, expect, it } from "vitest";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { systemRandom } from "../../../src/adapters/system/random.ts";

describe("the machine's clock", () => {
  it("tells milliseconds since 1970", () => {
    expect(systemClock().now()).toBeGreaterThan(Date.UTC(2026, 0, 1));
  });

  it("wakes who sleeps, at once when there is nothing to wait for", async () => {
    await systemClock().sleep(0);
    await systemClock().sleep(-5);
    await systemClock().sleep(1);
  });

  it("rejects with the reason of the signal, also when it came first", async () => {
    const reason = new Error("shutting down");
    const early = systemClock().sleep(60_000, AbortSignal.abort(reason));
    await expect(early).rejects.toBe(reason);
    const controller = new AbortController();
    const late = systemClock().sleep(60_000, controller.signal);
    controller.abort(reason);
    await expect(late).rejects.toBe(reason);
  });

  it("holds waits that are longer than a timer can", async () => {
    const controller = new AbortController();
    let woke = false;
    const sleep = systemClock()
      .sleep(2 ** 40, controller.signal)
      .then(
        () => {
          woke = true;
        },
        () => {},
      );
    await systemClock().sleep(2);
    expect(woke).toBe(false);
    controller.abort();
    await sleep;
  });
});

describe("the machine's dice", () => {
  it("make nonces of 128 bits that do not repeat", () => {
    const random = systemRandom();
    const nonces = new Set(Array.from({ length: 1_000 }, () => random.nonce()));
    expect(nonces.size).toBe(1_000);
    for (const nonce of nonces) expect(nonce).toMatch(/^[0-9a-f]{32}$/);
  });

  it("make fractions from 0 up to, and without, 1", () => {
    const random = systemRandom();
    const all = Array.from({ length: 1_000 }, () => random.fraction());
    expect(all.every((one) => one >= 0 && one < 1)).toBe(true);
    expect(Math.max(...all) - Math.min(...all)).toBeGreaterThan(0.5);
  });
});
