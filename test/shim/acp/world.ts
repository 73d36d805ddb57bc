/** Agents of the adapter `acp` in real shims, and what is left of them in their workspaces. */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { MissionEnvelope } from "../../../src/api/envelope.ts";
import type { WireEvent, WireEventType } from "../../../src/api/event.ts";
import type { AcpSettings, AgentModel } from "../../../src/core/model/clone.ts";
import type { InstanceHandle } from "../../../src/core/model/instance.ts";
import { scanProcesses } from "../../../src/instance/process-table.ts";
import type { StopLadder } from "../../../src/ports/driver.ts";
import { envelope } from "../../contract/driver.ts";
import { argumentsOf, createProcessWorld, type ProcessWorld } from "../../support/process-world.ts";
import { until } from "../../support/until.ts";

export const signal = new AbortController().signal;
export const LADDER: StopLadder = {
  enter: "cancel",
  cancelGraceMs: 10_000,
  cancelBusyGraceMs: 5_000,
  stdinGraceMs: 2_000,
  termGraceMs: 2_000,
  sweepMs: 10_000,
};

export interface AcpWorld extends ProcessWorld {
  running(
    clone: string,
    behaviour: string,
    more?: {
      readonly program?: string;
      readonly acp?: AcpSettings;
      readonly model?: AgentModel;
      readonly constraints?: Partial<MissionEnvelope["constraints"]>;
      readonly epoch?: number;
    },
  ): Promise<InstanceHandle>;
  arrived(type: WireEventType, clone: string): Promise<WireEvent>;
  /** Lines of a file of JSON that its agent has written. */
  wrote(clone: string, file: string): readonly unknown[];
  /** Whether a program with these arguments lives in the clone's world. */
  living(clone: string, argv: readonly string[]): boolean;
  types(clone: string): readonly WireEventType[];
}

export async function createAcpWorld(): Promise<AcpWorld> {
  const world = await createProcessWorld("auto");
  const arrived: AcpWorld["arrived"] = (type, clone) =>
    until(
      () => world.callback.events.find((event) => event.event_type === type && event.vp_id === clone),
      `${type} of ${clone}`,
    );
  return {
    ...world,
    arrived,
    living(clone, argv) {
      const home = `HOME=${world.workspace(clone)}/`;
      return [...scanProcesses().keys()].some((pid) => {
        try {
          const environment = readFileSync(`/proc/${pid}/environ`, "latin1");
          return environment.includes(home) && argumentsOf(pid).join(" ") === argv.join(" ");
        } catch {
          return false; // It is gone.
        }
      });
    },
    types: (clone) => world.callback.of(clone).map((event) => event.event_type),
    wrote(clone, file) {
      const path = join(world.workspace(clone), file);
      if (!existsSync(path)) return [];
      return readFileSync(path, "utf8")
        .split("\n")
        .slice(0, -1)
        .map((line) => JSON.parse(line) as unknown);
    },
    async running(clone, behaviour, more = {}) {
      const { program = "agent.js", acp, model, constraints = {}, epoch = 1 } = more;
      const path = fileURLToPath(new URL(`../../support/acp/${program}`, import.meta.url));
      const handle = await world.driver.start(
        {
          ...world.request(clone, "works"),
          agent: {
            adapter: "acp",
            command: ["node", path, behaviour],
            env: {},
            accept: "explicit",
            ...(acp === undefined ? {} : { acp }),
            ...(model === undefined ? {} : { model }),
          },
          isolation: "pidns",
          epoch,
          nonce: randomBytes(16).toString("hex"),
        },
        signal,
      );
      await until(
        () =>
          world.callback.events.find(
            (event) =>
              event.event_type === "instance.ready" && event.vp_id === clone && event.epoch === epoch,
          ),
        `instance.ready of ${clone}`,
      );
      const mission = envelope(`m-${clone}`);
      await world.driver.dispatch(
        handle,
        { ...mission, constraints: { ...mission.constraints, ...constraints } },
        signal,
      );
      return handle;
    },
  };
}
