/** A fleet of any size as files, and a controller over it whose parts are real and whose timers are ours. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ABOUT } from "../src/about.ts";
import { createGitSource } from "../src/adapters/git/source.ts";
import { createStatusBranch } from "../src/adapters/git/status-branch.ts";
import { createJudge } from "../src/adapters/judge/judge.ts";
import { createSecrets } from "../src/adapters/secrets/secrets.ts";
import { openSqliteStore } from "../src/adapters/store/sqlite/store.ts";
import { systemClock } from "../src/adapters/system/clock.ts";
import { createTraces } from "../src/adapters/trace/traces.ts";
import { collectFrom, openDrivers } from "../src/drivers.ts";
import { silentLog } from "../src/ports/log.ts";
import type { Store } from "../src/ports/store.ts";
import { type Controller, createController } from "../src/reconciler/controller.ts";
import { createFakeDrills } from "../test/support/fake/drills.ts";
import { createFakeInCoreLane, createFakeProposals } from "../test/support/fake/index.ts";
import { createFakeKillSwitchFile } from "../test/support/fake/kill-switch.ts";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../test/support/fleet-files.ts";
import type { Files } from "../test/support/git.ts";

/** So many clones, the first ones with a mission that is paused: declared and assigned, nothing runs. */
export function largeFleet(clones: number, missions = clones): Files {
  const files: Record<string, Files[string]> = { ...fleetFiles({ parallel: 10_000 }) };
  for (let index = 1; index <= clones; index++) {
    const name = `bulk-${index}`;
    Object.assign(
      files,
      cloneFile(cloneName(name), { command: ["node", "agent.js"], env: { NUMBER: String(index) } }),
    );
    if (index <= missions)
      Object.assign(
        files,
        missionFile(name, { clone: cloneName(name), state: "paused", outputs: ["out/result.json"] }),
      );
  }
  return files;
}

export interface Assembled {
  readonly controller: Controller;
  readonly store: Store;
  close(): Promise<void>;
}

export const KEY = Buffer.alloc(32, 7);

export async function assemble(options: {
  readonly dataDir: string;
  readonly origin: string;
}): Promise<Assembled> {
  const { dataDir, origin } = options;
  mkdirSync(dataDir, { recursive: true });
  const clock = systemClock();
  const store = await openSqliteStore({ file: join(dataDir, "factory.db") });
  const source = createGitSource({
    url: origin,
    branch: "main",
    directory: join(dataDir, "mirror.git"),
    log: silentLog,
  });
  const drivers = openDrivers({ dataDir, installation: "bench", log: silentLog });
  const collect = collectFrom(drivers);
  const controller = await createController({
    program: ABOUT,
    store,
    lease: store.lease,
    holder: "bench",
    source,
    statusBranch: createStatusBranch({
      url: origin,
      branch: "factory/status",
      directory: join(dataDir, "status.git"),
      clock,
      log: silentLog,
    }),
    drivers,
    secrets: createSecrets({ env: {}, root: join(dataDir, "secrets") }),
    inCore: createFakeInCoreLane(),
    proposals: createFakeProposals(),
    killSwitch: createFakeKillSwitchFile(),
    drills: createFakeDrills(),
    traces: createTraces({ directory: join(dataDir, "traces"), clock, collect }),
    judge: createJudge({ directory: join(dataDir, "judged"), source, clock, collect }),
    notifiers: () => ({ deliver: async () => ({ type: "delivered" }) }),
    clock,
    log: silentLog,
    installation: "bench",
    repository: "bench",
    key: KEY,
    operatorToken: "operator",
  });
  return {
    controller,
    store,
    async close() {
      await controller.close();
      await source.close();
      await store.close();
    },
  };
}
