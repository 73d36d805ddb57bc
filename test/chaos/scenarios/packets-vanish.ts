/** The way from the instances to the controller swallows every packet; nothing is refused, everything waits. */
import type { Living } from "../../e2e/living.ts";
import { cloneName } from "../../support/fleet-files.ts";
import { dropPackets, fromElsewhere } from "../faults/packets.ts";
import type { About, Scenario, ScenarioOptions, ScenarioResult } from "../scenario.ts";
import { liveThrough, STEADY, type Trouble } from "../trouble.ts";

/** A request that gets no answer is given up after 10 s, and the retransmissions of TCP add their own. */
const PATIENCE_MS = 75_000;

/** Steps of 50 ms for which it lasts: longer than the lease, and than the ladder takes to its restart. */
const STEPS = 300;

const ABOUT: About = { where: "callback (iptables)", network: true, limitMs: 210_000 };

export const scenarios: Readonly<Record<string, Scenario>> = {
  "packets-vanish": { ...ABOUT, run: (options) => run("packets-vanish", {}, options) },
  "packets-vanish-quiet": {
    ...ABOUT,
    run: (options) => run("packets-vanish-quiet", { quiet: true }, options),
  },
};

function run(name: string, more: Partial<Trouble>, options: ScenarioOptions): Promise<ScenarioResult> {
  let restore: (() => void) | null = null;
  let close: (() => void) | null = null;
  let dataDir = "";
  return liveThrough(
    {
      ...more,
      // No packet goes over a socket.
      controller: { args: ["--port", "0", "--callback", "network"] },
      steps: STEPS,
      name,
      injected: `every packet from the instances to the controller is dropped${more.quiet === true ? ", and the agent says nothing" : ""}`,
      prepare(world) {
        dataDir = world.dataDir;
      },
      async reach(controller) {
        const other = await fromElsewhere(controller, dataDir);
        close = other.close;
        return other.controller;
      },
      begin({ controller }) {
        restore = dropPackets(Number(new URL(controller.network ?? "").port));
      },
      detected: callbackDegraded,
      end() {
        restore?.();
      },
      cleanUp: () => close?.(),
      orphanPolicy: { action: "continue", after: "1h" },
      patienceMs: PATIENCE_MS,
    },
    options,
  );
}

/** The instance answers its driver, so it is the way that is down, and not the instance. */
async function callbackDegraded({ controller }: Living): Promise<string | null> {
  const clone = await controller.client.call("clone", { name: cloneName(STEADY) });
  const condition = clone?.conditions.find(
    ({ type, status }) => type === "CallbackDegraded" && status === "True",
  );
  return condition === undefined ? null : `CallbackDegraded=True: ${condition.message}`;
}
