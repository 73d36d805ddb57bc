/** Which session an agent had, for the one that comes after it: beside the agent's own memory of it, in the workspace. */
import { lstatSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Intent } from "../../../instance/claim.ts";
import { isRecord } from "../../../instance/files.ts";
import { factoryFolder } from "../spawn.ts";
import { writeOurs } from "../workspace-files.ts";

export interface RememberedSession {
  readonly missionId: string;
  readonly sessionId: string;
  /** What the session had cost by then, as the agent says; null: it did not. */
  readonly costUsd: number | null;
}

/** Ids of agents are UUIDs or paths. */
export const SESSION_ID_CHARS_MAX = 1_000;
const FILE_BYTES_MAX = 8 * 1024;

/** Null where there is none, or it is of another mission. The agent may write there: it can only name a session of its own. */
export function rememberedSession(intent: Intent, missionId: string): RememberedSession | null {
  const path = fileOf(intent);
  try {
    const stat = lstatSync(path);
    if (!stat.isFile() || stat.size > FILE_BYTES_MAX) return null;
    const value: unknown = JSON.parse(readFileSync(path, "utf8"));
    if (!isRecord(value) || value["mission_id"] !== missionId) return null;
    const { session_id: sessionId, cost_usd: cost } = value;
    if (typeof sessionId !== "string" || sessionId === "" || sessionId.length > SESSION_ID_CHARS_MAX)
      return null;
    return { missionId, sessionId, costUsd: typeof cost === "number" && cost >= 0 ? cost : null };
  } catch {
    return null; // None, or none that can be read: it begins anew.
  }
}

/** Answers whether it could be written: a full disk costs the memory, not the agent. */
export function rememberSession(
  intent: Intent,
  { missionId, sessionId, costUsd }: RememberedSession,
): boolean {
  try {
    const text = `${JSON.stringify({ mission_id: missionId, session_id: sessionId, cost_usd: costUsd })}\n`;
    writeOurs(intent, { path: fileOf(intent), mode: 0o600 }, text);
    return true;
  } catch {
    return false;
  }
}

function fileOf({ workspace }: Intent): string {
  return join(factoryFolder(workspace), "acp-session.json");
}
