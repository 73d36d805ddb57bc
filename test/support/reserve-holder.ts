/**
 * A controller that dies at a certain moment of a start from the reserve: `node reserve-holder.ts <moment> <driver's directory>
 * <start request as JSON>`. It says the number of the shim that it holds, and ends by SIGKILL.
 */

import { probeMachine } from "../../src/adapters/drivers/process/capabilities.ts";
import { createProcessDriver } from "../../src/adapters/drivers/process/driver.ts";
import { writeDownIntent } from "../../src/adapters/drivers/process/launch-intent.ts";
import { createLayout, loadInstance } from "../../src/adapters/drivers/process/layout.ts";
import { orderText, spawnReserve } from "../../src/adapters/drivers/process/reserve.ts";
import { NO_RESOURCES } from "../../src/adapters/drivers/process/resource-probe.ts";
import { defaultShimCommand } from "../../src/adapters/drivers/process/shim-program.ts";
import { settingsOf } from "../../src/adapters/drivers/process/start.ts";
import { createWorkspaces } from "../../src/adapters/workspace/workspaces.ts";
import { createCgroup } from "../../src/instance/containment.ts";
import type { StartRequest } from "../../src/ports/driver.ts";
import { inReserve } from "./process-world.ts";
import { until } from "./until.ts";

export const MOMENTS = ["holding", "intended", "ordered by half", "ordered"] as const;
export type Moment = (typeof MOMENTS)[number];

if (import.meta.main) await dieAt(process.argv[2] as Moment, process.argv[3] ?? "", process.argv[4] ?? "");

async function dieAt(moment: Moment, directory: string, asked: string): Promise<void> {
  const given = JSON.parse(asked) as StartRequest & { readonly secrets: Record<string, string> };
  const request: StartRequest = { ...given, secrets: new Map(Object.entries(given.secrets)) };
  if (moment === "holding") {
    const workspaces = createWorkspaces({ driver: "process", directory: `${directory}-workspaces` });
    createProcessDriver({ directory, workspaces, installation: "test" }).keepReady?.();
    await until(() => inReserve(directory).length > 0, "a shim in reserve");
    return die(inReserve(directory)[0]);
  }
  const layout = createLayout(directory, "test");
  const shimCommand = await defaultShimCommand();
  const { child: shim } = spawnReserve(layout, shimCommand);
  if (shim === null) throw new Error("no shim could be started");
  const machine = await probeMachine(layout.tag, "auto");
  await writeDownIntent({ layout, machine, resources: NO_RESOURCES, shimCommand, hidden: () => [] }, request);
  const instance = loadInstance(layout, request.clone, request.epoch);
  if (instance === null) throw new Error("the intent was not written");
  const { cgroup } = instance.intent.containment;
  if (cgroup !== null) createCgroup(cgroup);
  const order = orderText(instance, settingsOf(request));
  const said = moment === "intended" ? "" : moment === "ordered" ? order : order.slice(0, order.length / 2);
  if (said === "") return die(shim.pid);
  shim.stdin?.write(said, () => die(shim.pid));
}

function die(pid: number | undefined): void {
  process.stdout.write(`${pid}\n`, () => process.kill(process.pid, "SIGKILL"));
}
