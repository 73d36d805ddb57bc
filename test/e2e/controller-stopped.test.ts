/** A controller that is stopped holds its record: whoever starts another one is told by whom, and what to do. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { factory } from "../cli/support.ts";
import { cloneName } from "../support/fleet-files.ts";
import { createLiving, type Living, pidsOf, works } from "./living.ts";
import { eventually } from "./world.ts";

const MISSION = "steady";

test("a second controller is told who holds the record, and either way out leads on", async () => {
  const living = await createLiving("controller-stopped", [MISSION]);
  const { controller, world } = living;
  try {
    const before = pidsOf(living, MISSION, 1);
    process.kill(controller.pid, "SIGSTOP");
    await stopped(controller.pid);
    const { code, stderr } = await second(living);
    expect(code).toBe(1);
    expect(stderr).toContain(`process ${controller.pid}, holds the store ${world.dataDir}/factory.db`);
    expect(stderr).toMatch(/stopped by a signal \(state T\): nothing was written since \d{4}-\d\d-\d\dT/);
    expect(stderr).toContain("Its clones live on");
    expect(stderr).toContain("One controller at a time");
    await works(living, MISSION, 1);

    const [go] = /kill -CONT \d+/.exec(stderr) ?? [];
    expect(go).toBe(`kill -CONT ${controller.pid}`);
    process.kill(controller.pid, "SIGCONT");
    await eventually(
      () => controller.client.call("clone", { name: cloneName(MISSION) }),
      (clone) => clone.instance?.health === "healthy",
      () => `the controller to go on\n${controller.log().slice(-3_000)}`,
    );

    process.kill(controller.pid, "SIGSTOP");
    await stopped(controller.pid);
    expect((await second(living)).stderr).toContain(`kill -KILL ${controller.pid}`);
    await controller.kill();
    const next: Living = { world, controller: await world.start() };
    await works(next, MISSION, 1);
    expect(pidsOf(next, MISSION, 1)).toEqual(before);
  } finally {
    await world.close();
  }
}, 240_000);

function second({ world }: Living): ReturnType<typeof factory> {
  return factory({ cwd: world.path }, "--data", world.dataDir, "run", "--source", world.url, "--once");
}

async function stopped(pid: number): Promise<void> {
  await eventually(
    () => readFileSync(`/proc/${pid}/stat`, "latin1"),
    (stat) => stat.includes(") T "),
    () => `process ${pid} to be stopped`,
  );
}
