/** Every target by name, opened for whoever takes it as it is. */
import type { FuzzReport } from "./run.ts";
import { fuzz } from "./run.ts";
import type { Target } from "./target.ts";
import { controlTarget } from "./targets/control.ts";
import { eventsTarget } from "./targets/events.ts";
import { linesTarget } from "./targets/lines.ts";
import { yamlTarget } from "./targets/yaml.ts";

type Options = Omit<Parameters<typeof fuzz>[0], "name" | "target">;

export const TARGETS: Readonly<Record<string, (options: Options) => Promise<FuzzReport>>> = {
  events: playing("events", eventsTarget),
  lines: playing("lines", linesTarget),
  control: playing("control", controlTarget),
  yaml: playing("yaml", yamlTarget),
};

function playing<Input>(name: string, open: () => Promise<Target<Input>>) {
  return async (options: Options): Promise<FuzzReport> => {
    const target = await open();
    try {
      return await fuzz({ ...options, name, target });
    } finally {
      await target.close();
    }
  };
}
