import type { MissionPhase } from "../model/mission.ts";

/** One sign for each phase, on the board and on its pages. */
export const PHASE_SIGN: Readonly<Record<MissionPhase, string>> = {
  Pending: "⚪",
  Preparing: "🔵",
  Starting: "🔵",
  Running: "🟢",
  Paused: "🟡",
  Blocked: "🟠",
  Recovering: "🟠",
  Closing: "🔵",
  Completed: "✅",
  Failed: "❌",
  Cancelled: "⛔",
  TimedOut: "⌛",
};
