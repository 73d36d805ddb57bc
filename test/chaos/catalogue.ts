/** Finds the scenarios: what lies in `scenarios/` is run, so that nobody can forget to enter one in a list. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Scenario, ScenarioModule } from "./scenario.ts";

export const SCENARIOS = fileURLToPath(new URL("./scenarios/", import.meta.url));

/** In the order of their names. */
export async function catalogue(folder = SCENARIOS): Promise<ReadonlyMap<string, Scenario>> {
  const found = new Map<string, Scenario>();
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith(".ts") || file.endsWith(".test.ts")) continue;
    const module = (await import(join(folder, file))) as ScenarioModule;
    const name = file.slice(0, -".ts".length);
    if (module.run !== undefined) found.set(name, { run: module.run, ...module.about });
    for (const [key, scenario] of Object.entries(module.scenarios ?? {})) found.set(key, scenario);
  }
  return new Map([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}
