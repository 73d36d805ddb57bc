/** What is done when an instance or a mission ends, and with what is left of it. */
import type { EffectTable } from "./effect.ts";
import { envelopeFor } from "./envelope.ts";
import { stop } from "./stop.ts";
import { proposeTemplate } from "./template.ts";

export const MISSION_EFFECTS: EffectTable<"stop" | "trace" | "judge" | "promote" | "archive" | "hand_over"> =
  {
    stop: (effect, { state, parts, handles, signal }) => stop(effect, state, { ...parts, handles }, signal),
    trace: async (effect, { state, parts, handles, signal }) => {
      const handle = await handles.anyHandle(state, effect.epoch, signal);
      return parts.tracer.after(effect, { state, driver: handles.driverOf(state), handle }, signal);
    },
    judge: async ({ missionId }, { state, parts, handles, signal }) => {
      const { mission } = state;
      if (mission === null) return [];
      const verdict = await parts.judge.judge(
        {
          missionId: mission.missionId,
          mission: mission.name,
          revision: mission.revision,
          workspace: handles.driverOf(state).workspaces.refOf(state.name),
          contract: mission.contract,
          allowUncontained: parts.allowUncontainedChecks(),
        },
        signal,
      );
      return [{ type: "judge.finished", missionId, verdict }];
    },
    promote: async ({ missionId }, { state, parts, signal }) => {
      const evidence = await proposeTemplate(state, missionId, parts, signal);
      return [{ type: "promote.finished", missionId, evidence }];
    },
    archive: async ({ missionId }, { state, handles, signal }) => {
      const { path } = await handles.driverOf(state).workspaces.archive(state.name, missionId, signal);
      return [{ type: "archive.finished", missionId, path }];
    },
    hand_over: async ({ url, authRef, missionId }, { state, parts, signal }) => {
      const { installation, anyCallbackUrl } = parts;
      const envelope = envelopeFor(state, "next", { installation, callbackUrl: anyCallbackUrl() });
      const reason = "the fleet is in_core_only";
      const { evidence } = await parts.inCore.handOver({ url, authRef, envelope, reason }, signal);
      return [{ type: "handover.finished", missionId, evidence }];
    },
  };
