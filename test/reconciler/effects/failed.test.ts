import { expect, test } from "vitest";
import { FactoryError } from "../../../src/core/model/error.ts";
import { shortageError, shortageIn } from "../../../src/core/model/shortage.ts";
import { failed } from "../../../src/reconciler/effects/failed.ts";
import { T0 } from "../../support/fleet.ts";

const SHORT = shortageError("the instance cannot be looked at", "EMFILE");
const again = { lastTry: false, now: T0 };

test("that nothing was left to look or start with says nothing about an instance: it is tried again", () => {
  for (const type of ["probe", "reconnect", "dispatch", "judge", "prepare"] as const)
    expect(
      failed({ type, epoch: 1, missionId: "m" } as Parameters<typeof failed>[0], SHORT, again),
      type,
    ).toBeNull();
  const launch = { type: "launch", epoch: 1, nonce: "n" } as const;
  expect(failed(launch, SHORT, again)).toBeNull();
  expect(failed(launch, SHORT, { ...again, lastTry: true })).toMatchObject([
    { type: "instance.launch_failed", code: "machine/shortage", permanent: false },
  ]);
});

test("a stop that it keeps from its end is told of at once", () => {
  const stop = { type: "stop", epoch: 1, enter: "term", reason: "killed" } as const;
  expect(failed(stop, SHORT, again)).toMatchObject([
    { type: "stop.failed", epoch: 1, message: expect.stringContaining("(EMFILE)") },
  ]);
});

test("a launch waits while nobody knows whether the kill switch is engaged", () => {
  const unknown = new FactoryError("kill-switch/unknown", "retry", "its file cannot be read");
  expect(failed({ type: "launch", epoch: 1, nonce: "n" }, unknown, again)).toBeNull();
});

test.each(["EMFILE", "ENFILE", "EAGAIN", "ENOMEM"])("%s is a shortage, wherever it is met", (code) => {
  const met = new Error("spawn git", { cause: Object.assign(new Error("spawn"), { code }) });
  expect(shortageIn(met)).toMatchObject({ code: "machine/shortage", disposition: "retry" });
  expect(shortageIn(met)?.message).toContain(`(${code})`);
  expect(shortageIn(Object.assign(new Error("gone"), { code: "ENOENT" }))).toBeNull();
});
