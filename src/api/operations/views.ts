/** What people look at. */
import { z } from "zod";
import { CloneShape } from "../views/clone.ts";
import { FleetShape } from "../views/fleet.ts";
import { GuardrailsShape } from "../views/guardrails.ts";
import { InboxItemShape } from "../views/inbox.ts";
import { MissionShape } from "../views/mission.ts";
import { RolloutShape } from "../views/rollouts.ts";
import { TrendsShape } from "../views/trends.ts";
import { WhyShape } from "../views/why.ts";
import { Moment, Name, Subject } from "./inputs.ts";
import { look } from "./operation.ts";

export const viewOperations = {
  fleet: look({
    summary: "Shows the whole fleet: source, missions, clones, what is held and why.",
    path: "/v1/fleet",
    output: FleetShape,
  }),
  mission: look({
    summary: "Shows one mission.",
    path: "/v1/missions/{name}",
    input: z.strictObject({ name: Name }),
    output: MissionShape,
    absent: "mission",
  }),
  clone: look({
    summary: "Shows one clone.",
    path: "/v1/clones/{name}",
    input: z.strictObject({ name: Name }),
    output: CloneShape,
    absent: "clone",
  }),
  why: look({
    summary: "Explains why a mission or a clone runs or does not: every gate and hold with its evidence.",
    path: "/v1/subjects/{name}/why",
    input: z.strictObject({ name: Subject }),
    output: WhyShape,
    absent: "mission or clone",
  }),
  inbox: look({
    summary: "Lists what waits for a person, the most urgent first.",
    path: "/v1/inbox",
    output: z.object({ items: z.array(InboxItemShape) }),
  }),
  guardrails: look({
    summary: "Shows what the fleet measures against what it is allowed, and whether it is rolled back.",
    path: "/v1/guardrails",
    output: GuardrailsShape,
  }),
  rollouts: look({
    summary: "Shows how far changed overlays and baselines have come, by group.",
    path: "/v1/rollouts",
    output: z.object({ rollouts: z.array(RolloutShape) }),
  }),
  scorecards: look({
    summary: "Shows closed missions since then, all together, beside the same stretch of time before.",
    path: "/v1/scorecards",
    input: z.strictObject({ since: Moment }),
    output: TrendsShape,
  }),
  version: look({
    summary: "Shows which program the controller is, and what it reads and writes.",
    path: "/v1/version",
    output: z.object({
      version: z.string(),
      node: z.string(),
      protocol: z.object({ envelope: z.int(), event: z.int(), heartbeat: z.int() }),
      record_layout: z.int(),
    }),
  }),
};
