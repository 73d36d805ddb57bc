/** The containment that waits for its agent from the claim on. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { WireEvent, WireEventType } from "../../../../src/api/event.ts";
import type { InstanceHandle } from "../../../../src/core/model/instance.ts";
import { readIntent } from "../../../../src/instance/claim.ts";
import { takeCensus } from "../../../../src/instance/process-table.ts";
import type { StopLadder } from "../../../../src/ports/driver.ts";
import { envelope } from "../../../contract/driver.ts";
import { excused } from "../../../support/no-excuse.ts";
import { createProcessWorld, type ProcessWorld, shimPid } from "../../../support/process-world.ts";
import { until } from "../../../support/until.ts";

const signal = new AbortController().signal;
const NOW: StopLadder = { enter: "now", stdinGraceMs: 0, termGraceMs: 0, sweepMs: 10_000 };
/** It leaves a mark with its first line. */
const MARKS: readonly [string, ...string[]] = [
  "sh",
  "-c",
  "touch began; echo 1 > ran-$$; read -r line; exit 0",
];

describe.each(["auto", "pidns"] as const)("a containment that was opened ahead (%s)", (containment) => {
  let world: ProcessWorld;
  beforeEach(async () => {
    world = await createProcessWorld(containment);
  });
  afterEach(() => world.close());

  async function ready(nonce = randomBytes(16).toString("hex")): Promise<InstanceHandle> {
    const agent = { ...world.agent("works"), command: MARKS };
    const handle = await world.driver.start(
      { ...world.request("a", "works"), epoch: 1, nonce, agent },
      signal,
    );
    await arrived("instance.ready");
    return handle;
  }

  function arrived(type: WireEventType): Promise<WireEvent> {
    return until(() => world.callback.events.find((event) => event.event_type === type), type);
  }

  /** Everything of the instance but its shim. */
  function inside({ nonce, ...handle }: InstanceHandle): readonly number[] {
    const { rows, carriesMarker } = takeCensus();
    return [...rows.keys()].filter(
      (pid) => pid !== shimPid({ nonce, ...handle }) && carriesMarker(pid, nonce),
    );
  }

  const began = (): boolean => existsSync(join(world.workspace("a"), "began"));
  const opensAhead = (handle: InstanceHandle): boolean =>
    readIntent(String(handle.data["directory"]))?.containment.pidns != null;

  it("runs nothing of the agent before the mission, and the agent with it", async (context) => {
    const handle = await ready();
    if (!opensAhead(handle))
      return excused((why) => context.skip(why), "unshare", "no PID namespace can be had here");
    await until(() => inside(handle).length > 0, "the containment");
    expect(began()).toBe(false);
    await world.driver.dispatch(handle, envelope("m-a"), signal);
    await until(began, "the agent");
  });

  it("that is gone when the mission comes is opened anew", async (context) => {
    const handle = await ready();
    if (!opensAhead(handle))
      return excused((why) => context.skip(why), "unshare", "no PID namespace can be had here");
    await until(() => inside(handle).length > 0, "the containment");
    await until(() => {
      for (const pid of inside(handle)) process.kill(pid, "SIGKILL");
      return inside(handle).length === 0;
    }, "its end");
    await world.driver.dispatch(handle, envelope("m-a"), signal);
    await until(began, "the agent");
  });

  it("ends with its shim, and nothing of the agent was run", async (context) => {
    const handle = await ready();
    if (!opensAhead(handle))
      return excused((why) => context.skip(why), "unshare", "no PID namespace can be had here");
    await until(() => inside(handle).length > 0, "the containment");
    process.kill(shimPid(handle), "SIGKILL");
    await until(() => inside(handle).length === 0, "its end");
    expect(began()).toBe(false);
  });

  it("is frozen and thawed with an instance in standby, and ends with it", async (context) => {
    const handle = await ready();
    if (!opensAhead(handle))
      return excused((why) => context.skip(why), "unshare", "no PID namespace can be had here");
    await world.driver.pause(handle, signal);
    await world.driver.resume(handle, signal);
    await world.driver.dispatch(handle, envelope("m-a"), signal);
    await until(began, "the agent");
    await world.driver.stop(handle, NOW, signal);
    expect(inside(handle)).toEqual([]);
  });
});
