import type { Traces } from "../../../src/ports/traces.ts";

/** Bundles of which only the receipt exists. */
export function createFakeTraces(now: () => number = () => 0): Traces {
  return {
    begin: async () => {},
    finish: async ({ missionId, epoch }) => ({
      at: now(),
      path: `/traces/${missionId}/${epoch}`,
      digest: `sha256:${"0".repeat(64)}`,
      files: 1,
      bytes: 2,
      missing: [],
      lastActions: [],
      changedFiles: [],
    }),
  };
}
