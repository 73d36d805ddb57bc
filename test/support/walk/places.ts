import { fileURLToPath } from "node:url";
import type { Places } from "./page.ts";
import type { Walk } from "./walk.ts";

/** The longest first: one may begin another. */
export function placesOf({ standIn, world, folder }: Walk): readonly Places[] {
  return [
    { from: folder, to: "/srv/shared/invoices" },
    { from: fileURLToPath(new URL("./agent.js", import.meta.url)), to: "/srv/agents/pays-invoices.js" },
    { from: world.path, to: "/srv/fleet" },
    { from: standIn.url, to: "https://github.example" },
  ];
}
