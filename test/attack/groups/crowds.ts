/** More than one who wants to act, or to be heard: connections, controllers, and whoever may push to the status branch. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { eventually, isAlive } from "../../e2e/world.ts";
import { cloneName, pairFiles } from "../../support/fleet-files.ts";
import { type Attack, broken, held } from "../attack.ts";
import { stepping, takeSteps } from "../steps.ts";

/** Of the controller; few enough to be reached by some agents. */
const DESCRIPTORS = 320;
const CROWDS = ["crowd-a", "crowd-b", "crowd-c"] as const;
const EACH = 200;
const STATUS = "factory/status";
const JOURNAL = ".factory/journal.json";
const ANOTHER_JOURNAL = `${JSON.stringify({
  version: 1,
  installation: "factory-stranger",
  repository: "elsewhere",
  seq: 7,
  hash: "a".repeat(64),
  first: "b".repeat(64),
})}\n`;
/** Within it a mission is started, or will not be. */
const START_MS = 40_000;

export const crowds: readonly Attack[] = [
  {
    name: "connections-without-end",
    item: "7",
    how: `agents hold ${CROWDS.length * EACH} idle connections to a controller that may have ${DESCRIPTORS} descriptors; then one is killed and another one started`,
    success: "the controller dies, records a kill of the fleet, or cannot stop and start any more",
    holds:
      "a share of the descriptors for each, idle ones make room, what has run out is unknown and concludes nothing",
    slow: true,
    async play(field) {
      const through = ["bash", "-c", `ulimit -n ${DESCRIPTORS}; exec "$@"`, "bash"];
      const fleet = await field.own("crowded", { args: ["--port", "0"], through });
      await takeSteps(fleet, "works", []);
      const { pid, network } = fleet.controller;
      const port = new URL(network ?? "").port;
      const crowd = CROWDS.map((name) => takeSteps(fleet, name, [["hold", `port:${port}`, String(EACH)]]));
      const opened = (await Promise.all(crowd)).flat().map(({ text }) => Number(text));
      const sum = opened.reduce((all, one) => all + one, 0);
      const killed = await fleet.kill("works");
      const { engaged } = await fleet.controller.client.call("killSwitch");
      await fleet.enlist("after", { command: stepping([]) });
      await fleet.left("after", "result.json");
      if (!isAlive(pid)) return broken("the controller died", fleet.controller.log().slice(-300));
      if (JSON.stringify(engaged) !== "[]") return broken("a kill of the fleet", JSON.stringify(engaged));
      for (const name of [...CROWDS, "after"]) await fleet.kill(name);
      return held(
        "stops and starts",
        `${sum} connections were opened; death of \`works\` ${killed.unproven === undefined ? "proven" : "unproven"}`,
      );
    },
  },
  {
    name: "two-controllers",
    item: "11",
    how: "a second controller with a data directory of its own on the same repository, with `--fresh`",
    success: "both start the same mission, at the same epoch",
    holds: "a lease with a term on the repository itself: one installation acts",
    slow: true,
    async play(field) {
      const fleet = await field.own("contested");
      const second = await fleet.another("data-2", ["--fresh"]);
      await fleet.commit(pairFiles("paid-once", { command: stepping([]) }));
      const places = ["data", "data-2"].map((data) =>
        join(fleet.folder, data, "workspaces", cloneName("paid-once"), "result.json"),
      );
      await eventually(
        () => places.some((path) => existsSync(path)),
        (started) => started,
        () => "one of them to start it",
      );
      const head = await fleet.origin.head();
      const seen = await eventually(
        async () => [await fleet.controller.client.call("fleet"), await second.client.call("fleet")],
        (views) => views.every(({ source }) => source.revision === head),
        () => "both to have seen it",
      );
      await Promise.all(
        [fleet.controller, second].map(({ client }) => client.call("reconcile").catch(() => {})),
      );
      const started = places.filter((path) => existsSync(path)).length;
      const inboxes = await Promise.all([fleet.controller, second].map(({ client }) => client.call("inbox")));
      const said = inboxes
        .flatMap(({ items }) => items)
        .find(({ kind }) => (kind as string) === "lease")?.message;
      const phases = seen.map(({ missions }) => missions.find(({ name }) => name === "paid-once")?.phase);
      return started > 1 || said === undefined
        ? broken(started > 1 ? "started twice" : "nobody says who acts", `phases: ${phases.join(", ")}`)
        : held("one acts", `inbox of the other: ${said.slice(0, 200)}`);
    },
  },
  {
    name: "writes-the-status-branch",
    item: "12",
    how: "whoever can push there writes another installation's journal, a lease and nonsense to the status branch, while the controller is away",
    success: "the controller begins nothing any more",
    holds: "what is published is signed; a stranger's commit is set aside, named and repaired",
    slow: true,
    async play(field) {
      const fleet = await field.own("written-to");
      await takeSteps(fleet, "before", []);
      const published = await eventually(
        async () => ((await fleet.origin.head(STATUS)) === null ? null : fleet.origin.files(STATUS)),
        (files) => [...files.values()].some((text) => text.includes("before")),
        () => "the status branch to tell of it",
      );
      await fleet.controller.kill();
      const nonsense = [...published.keys()].map((path) => [path, "{]: nonsense\n"]);
      const files = {
        ...Object.fromEntries(nonsense),
        [JOURNAL]: ANOTHER_JOURNAL,
        ".factory/lease.json": "{}\n",
      };
      const stranger = await fleet.origin.commit(files, {
        branch: STATUS,
        message: "a stranger's",
      });
      await fleet.restart();
      await fleet.commit(pairFiles("afterwards", { command: stepping([]) }));
      try {
        await eventually(
          () => existsSync(join(fleet.workspace("afterwards"), "result.json")),
          (started) => started,
          () => "a start",
          START_MS,
        );
      } catch {
        const { items } = await fleet.controller.client.call("inbox");
        return broken(
          "nothing begins",
          items
            .map(({ message }) => message)
            .join("; ")
            .slice(0, 300),
        );
      }
      await eventually(
        () => fleet.origin.head(STATUS),
        (head) => head !== stranger,
        () => "the branch to be repaired",
      );
      const { items } = await fleet.controller.client.call("inbox");
      const named = items.find(({ message }) =>
        /status branch|somebody else|stranger/i.test(message),
      )?.message;
      return held("set aside", (named ?? "the log names it").slice(0, 200));
    },
  },
];
