/** An agent that was ended for what it took of its machine. */
import { expect, test } from "vitest";
import { Life } from "../../../support/fleet.ts";

const took = (life: Life, exceeded: object): Life =>
  life.reports("instance.exited", { detail: { code: null, signal: "SIGKILL", signature: "s", exceeded } });

const restarted = (life: Life): Life =>
  life
    .on({ type: "deadline.passed", deadline: "backoff", epoch: life.state.epoch, evidence: "" })
    .prepared()
    .launched()
    .ready()
    .dispatched()
    .reports("mission.accepted");

test("out of memory is a failure with its own reason, and is started again", () => {
  const life = took(new Life().running(), { resource: "memory_mb", limit: 128, used: null }).dead();
  expect(life.state).toMatchObject({
    phase: "BackingOff",
    lastFailure: "out of memory: the kernel ended it at its limit of 128 MiB",
    mission: { incidents: [{ class: "resource_exceeded", severity: "medium" }], restarts: 1 },
  });
  const again = (): Life => took(restarted(life), { resource: "memory_mb", limit: 128, used: null }).dead();
  again();
  expect(again().state.phase).toBe("Quarantined");
});

test("a workspace beyond its quota is not cured by a restart: a person has to look", () => {
  const life = took(new Life().running(), { resource: "disk_mb", limit: 8, used: 24 }).dead();
  expect(life.state.phase).toBe("Quarantined");
  expect(life.state.holds).toMatchObject([{ kind: "quarantine", reason: "DiskQuotaExceeded" }]);
  expect(life.state.lastFailure).toBe("its workspace holds 24 MiB of 8");
});

test("nonsense about it is an exit like any other", () => {
  const life = took(new Life().running(), { resource: "luck", limit: 1 }).dead();
  expect(life.state.mission?.incidents).toMatchObject([{ class: "crash" }]);
});
