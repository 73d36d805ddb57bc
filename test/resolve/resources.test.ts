import { expect, it } from "vitest";
import { CLONE_FILE, FILES, type Files, resolve } from "./fleet.ts";

function fleetWith(own: string, defaults: string): Files {
  return {
    ...FILES,
    [CLONE_FILE]: String(FILES[CLONE_FILE]).replace("{driver: process}", `{driver: process${own}}`),
    "fleet.yaml": String(FILES["fleet.yaml"]).replace("{isolation: pidns", `{isolation: pidns${defaults}`),
  };
}

const DEFAULTS = ", resources: {memory_mb: 2048, pids: 512}";

it.each<[string, string, string, object | undefined]>([
  ["nobody says anything", "", "", undefined],
  ["the fleet does", "", DEFAULTS, { memoryMb: 2048, pids: 512, demanded: [] }],
  [
    "both do: the clone's own goes before, and is demanded",
    ", resources: {memory_mb: 512, cpu_millis: 500, disk_mb: 100}",
    DEFAULTS,
    { memoryMb: 512, pids: 512, cpuMillis: 500, diskMb: 100, demanded: ["cpuMillis", "memoryMb", "diskMb"] },
  ],
])("what a clone may take of its machine, where %s", (_, own, defaults, expected) => {
  const { clones, issues } = resolve(fleetWith(own, defaults)).desired;
  expect(issues).toEqual([]);
  expect([...clones.values()][0]?.runtime.resources).toEqual(expected);
});
