/** The fleet of the walk-through: one mission that pays an invoice, and asks for more money on the way. */
import { cloneFile, cloneName, fleetFiles, missionFile } from "../fleet-files.ts";
import { OWNER, REPOSITORY } from "../forge/stand-in.ts";
import type { Files } from "../git.ts";

export const MISSION = "pay-invoice";
export const CLONE = cloneName(MISSION);
export const MISSION_FILE = `missions/${MISSION}.yaml`;
/** The mission's limit, at half of which its agent is paused and a person is asked; and what it needs in the end. */
export const BUDGET = { maxCostUsd: 1, pausePercent: 50, needsUsd: 0.9, raisedTo: 2 } as const;
const AGENT = new URL("./agent.js", import.meta.url).pathname;
/** Steps of the agent: so many dollars, so many milliseconds. */
const STEP = { usd: 0.1, ms: 150 } as const;

/** What stands on the obeyed branch before anybody asks for anything. */
export function fleetBefore({ api }: { readonly api: string }): Files {
  return fleetFiles({
    forge: {
      type: "github",
      api,
      repository: `${OWNER}/${REPOSITORY}`,
      auth: { token: { from: { env: "FORGE_TOKEN" } } },
      webhook_secret: { from: { env: "FORGE_SECRET" } },
      roles: { approver: { people: ["ben"] } },
    },
    approvals: { mode: "forge" },
  });
}

/** The mission and its clone, as an operator would propose them; `faulty` with a slip of the pen. */
export function proposal({ folder, faulty }: { readonly folder: string; readonly faulty: boolean }): Files {
  const mission = missionFile(MISSION, {
    clone: CLONE,
    maxRuntimeMinutes: 30,
    maxCostUsd: BUDGET.maxCostUsd,
    pausePercent: BUDGET.pausePercent,
    heartbeatSeconds: 2,
    outputs: ["out/receipt.md"],
  });
  const text = String(mission[MISSION_FILE]);
  return {
    ...cloneFile(CLONE, {
      command: ["node", AGENT, folder, BUDGET.needsUsd, STEP.usd, STEP.ms].map(String),
      afterClosure: "ask",
    }),
    [MISSION_FILE]: faulty ? text.replace("objective:", "objektive:") : text,
  };
}
