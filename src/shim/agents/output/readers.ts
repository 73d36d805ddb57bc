/** Which outputs are understood; `lines` is that of `agent-line.ts`. */
import type { AgentOutput } from "../../../core/model/clone.ts";
import { claudeReader } from "./claude.ts";
import { codexReader } from "./codex.ts";
import { copilotReader } from "./copilot.ts";
import { geminiReader } from "./gemini.ts";
import { opencodeReader } from "./opencode.ts";
import { piReader } from "./pi.ts";
import type { OutputReader } from "./reader.ts";

export const READERS: Readonly<Record<AgentOutput, () => OutputReader>> = {
  "claude-stream-json": claudeReader,
  "codex-json": codexReader,
  "gemini-stream-json": geminiReader,
  "opencode-json": opencodeReader,
  "copilot-json": copilotReader,
  "pi-json": piReader,
};
