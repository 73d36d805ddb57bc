/** What an adapter puts into `.factory` of the workspace before it starts an agent. */
import { renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MissionEnvelope } from "../../api/envelope.ts";
import type { Intent } from "../../instance/claim.ts";
import { giveFile } from "./ownership.ts";
import { factoryFolder } from "./spawn.ts";

export function missionFile(workspace: string): string {
  return join(factoryFolder(workspace), "mission.json");
}

export function writeMission(intent: Intent, envelope: MissionEnvelope): void {
  const text = `${JSON.stringify(envelope, null, 2)}\n`;
  writeOurs(intent, { path: missionFile(intent.workspace), mode: 0o600 }, text);
}

/** `factory-tools` by its name, for agents whose settings cannot name a variable. */
export function writeTools(intent: Intent): void {
  const path = join(factoryFolder(intent.workspace), "bin", "factory-tools");
  writeOurs(
    intent,
    { path, mode: 0o700 },
    `#!/bin/sh\nexec '${process.execPath}' "$FACTORY_TOOLS_MCP" "$@"\n`,
  );
}

/** Never through a link that the agent may have put there: a new file takes its name. */
export function writeOurs(
  { containment }: Intent,
  { path, mode }: { readonly path: string; readonly mode: number },
  text: string,
): void {
  const temporary = `${path}.${process.pid}.${process.hrtime.bigint()}`;
  writeFileSync(temporary, text, { flag: "wx", mode });
  const user = containment.sandbox?.user ?? null;
  if (user !== null) giveFile(temporary, user);
  renameSync(temporary, path);
}
