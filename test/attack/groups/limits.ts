/** Limits: of the machine, of money while nobody listens, and controls that only look like some. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parse, stringify } from "yaml";
import { isOfClone } from "../../../src/core/record/chain.ts";
import { readOutbox } from "../../../src/instance/outbox.ts";
import { eventually, isAlive, processesOf } from "../../e2e/world.ts";
import { cloneName, fleetFiles, pairFiles } from "../../support/fleet-files.ts";
import type { Files } from "../../support/git.ts";
import { type Attack, broken, held } from "../attack.ts";
import { edit, write } from "../files.ts";
import { command, type Fleet } from "../fleet.ts";

const TAKES = fileURLToPath(new URL("../../support/agents/takes-much.js", import.meta.url));
const SPENDS = fileURLToPath(new URL("../../e2e/agents/spends.js", import.meta.url));
const LIMIT_USD = 10;
const WANTED = 1_000;

export const limits: readonly Attack[] = [
  {
    name: "processes-without-end",
    item: "8",
    how: "starts 1,000 processes where 400 are allowed",
    success: "it has them all",
    holds: "`runtime.resources.pids`: a cgroup, else RLIMIT_NPROC",
    slow: true,
    async play(field) {
      const fleet = await field.fleet("shut");
      await taking(fleet, this.name, ["processes", String(WANTED)], { pids: 400 });
      const said = await Promise.race([fleet.left(this.name, "refused"), ending(fleet, this.name)]);
      const refused = Number(said);
      await fleet.kill(this.name);
      return refused === 0
        ? broken(`${WANTED} processes`, "nothing was refused")
        : held("refused beyond it", `refused: ${said} of ${WANTED}`);
    },
  },
  {
    name: "memory-without-end",
    item: "8",
    how: "takes 1 GiB where 256 MiB are allowed",
    success: "it has it",
    holds: "`runtime.resources.memory_mb`: a cgroup, else RLIMIT_DATA",
    async play(field) {
      const fleet = await field.fleet("shut");
      await taking(fleet, this.name, ["memory", "1024"], { memory_mb: 256 });
      const said = await ending(fleet, this.name);
      await fleet.kill(this.name);
      return said.startsWith("has ") ? broken(said, "it goes on") : held("ended", said);
    },
  },
  {
    name: "disk-without-end",
    item: "8",
    how: "writes 128 MiB into its workspace where 32 are allowed",
    success: "it goes on",
    holds: "`runtime.resources.disk_mb`: the shim looks every 5 s; between two looks it may grow beyond",
    slow: true,
    async play(field) {
      const fleet = await field.fleet("shut");
      await taking(fleet, this.name, ["disk", "128"], { disk_mb: 32 });
      const { holds } = await fleet.clone(this.name, (view) =>
        view.holds.some(({ kind }) => kind === "quarantine"),
      );
      await fleet.kill(this.name);
      return held("ended within two looks", `\`${holds[0]?.reason}\`: ${holds[0]?.message.slice(0, 120)}`);
    },
  },
  {
    name: "spends-while-nobody-listens",
    item: "13",
    how: `the controller is killed; its agent goes from 0.1 to 100 of ${LIMIT_USD} USD in one step, and on`,
    success: "it goes on, or its mission closes as accepted without an incident or a question",
    holds: "the shim knows the limits and ends it; `overspent` is on record and asked about",
    slow: true,
    async play(field) {
      const fleet = await field.own("alone", { fleet: { caps: { max_cost_usd: 1_000 } } });
      const agent = [process.execPath, SPENDS, "ledger.txt", "100", "4000", "0.1"];
      await fleet.enlist("spends", { command: agent }, { maxCostUsd: LIMIT_USD });
      await fleet.left("spends", "ledger.txt");
      await fleet.mission("spends", ({ phase }) => phase === "Running");
      const { shim, agent: pid } = processesOf(fleet.dataDir, cloneName("spends"), 1);
      await fleet.controller.kill();
      await eventually(
        () => !isAlive(pid) && !isAlive(shim),
        (gone) => gone,
        () => "the shim to end its agent by itself",
      );
      const folder = join(fleet.dataDir, "instances", cloneName("spends"), "1");
      const level = readOutbox(folder, 0).flatMap(({ event_type, detail }) =>
        event_type === "mission.limit_reached" ? [detail] : [],
      )[0];
      const steps = (await fleet.left("spends", "ledger.txt"))
        .split("\n")
        .filter((line) => line.includes("spent")).length;
      await fleet.restart();
      const asked = await eventually(
        () => fleet.controller.client.call("inbox"),
        ({ items }) => items.some(({ subject }) => subject === "spends"),
        () => "a question about it",
      );
      const question = asked.items.find(({ subject }) => subject === "spends")?.message ?? "";
      if (steps > 2) return broken(`${steps} steps`, question);
      return held(
        "ended after that step",
        `shim: ${JSON.stringify(level?.["did"])}; inbox: ${question.slice(0, 120)}`,
      );
    },
  },
  {
    name: "controls-that-are-none",
    item: "14",
    how: "`allowed_tools`, `forbidden_tools`, a notice of type `issue`, `storage_scope: shared`, an overlay's `max_parallel_missions` beyond the fleet's",
    success: "`factory validate` takes them in silence",
    holds: "each acts, is refused, or says `NotEnforced` at its line",
    async play(field) {
      const folder = join(field.base, "controls");
      const validated = async (change: () => void): Promise<string> => {
        write(folder, { ...fleetFiles(), ...pairFiles("tools", { command: ["true"] }), ...CONTROLS });
        change();
        const { stdout, stderr } = await command(folder, { HOME: field.home }, "validate");
        return `${stdout}${stderr}`;
      };
      const told = await validated(() => {
        edit(join(folder, "missions/tools.yaml"), (spec) => {
          spec["constraints"] = { allowed_tools: ["read"], forbidden_tools: ["network"] };
        });
        edit(join(folder, "fleet.yaml"), (spec) => {
          spec["simone"] = { notify: [{ name: "forge", type: "issue" }] };
        });
      });
      const refused = await validated(() => {
        edit(join(folder, `clones/${cloneName("tools")}.yaml`), (spec) => {
          spec["overlays"] = ["wide"];
        });
        edit(join(folder, "missions/tools.yaml"), (spec) => {
          (spec["artifact_policy"] as Record<string, unknown>)["storage_scope"] = "shared";
        });
      });
      const silent = [
        ...["allowed_tools", "forbidden_tools", "notify"].filter((word) => !told.includes(word)),
        ...["storage_scope", "max_parallel_missions"].filter((word) => !refused.includes(word)),
      ];
      const count = told.split("NotEnforced").length - 1;
      return silent.length > 0
        ? broken("in silence", `${silent.join(", ")}: ${told} ${refused}`)
        : held("each is named", `${count} × \`NotEnforced\`, the others refused`);
    },
  },
];

const CONTROLS: Files = {
  "overlays/wide/overlay.yaml": stringify({
    apiVersion: "factory/v1",
    kind: "Overlay",
    metadata: { name: "wide" },
    spec: { base_profile: "ua@1.0.0", limits: { max_parallel_missions: 50 } },
  }),
};

/** Starts an agent that takes as much, in a clone that may have this. */
async function taking(fleet: Fleet, name: string, what: readonly string[], resources: object): Promise<void> {
  const restart = { intensity: 0, period: "10m", backoff: "100ms", backoff_max: "1s" };
  const files = pairFiles(
    name,
    { command: [process.execPath, TAKES, ...what], restart },
    { heartbeatSeconds: 10 },
  );
  const path = `clones/${cloneName(name)}.yaml`;
  const clone = parse(String(files[path])) as { spec: { runtime: Record<string, unknown> } };
  clone.spec.runtime["resources"] = resources;
  await fleet.commit({ ...files, [path]: stringify(clone) });
}

/** What came of it: the agent's own word that it has all of it, or how it ended. */
async function ending(fleet: Fleet, name: string): Promise<string> {
  return eventually(
    async () => {
      const { events } = await fleet.controller.client.call("events", {
        clone: cloneName(name),
        last: 100,
        limit: 100,
      });
      for (const { event } of events.filter(isOfClone)) {
        if (event.type !== "instance.reported") continue;
        const { type, summary, detail } = event.report;
        if (type === "mission.progress") return summary;
        if (type === "instance.exited")
          return `exit ${String(detail["code"] ?? detail["signal"])} ${JSON.stringify(detail["exceeded"] ?? "")}`;
      }
      return null;
    },
    () => true,
    () => `an end of ${name}\n${fleet.controller.log().slice(-1_000)}`,
  );
}
