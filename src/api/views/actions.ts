import { z } from "zod";
import { ACTION_STATES, type ActionRow } from "../../core/model/action.ts";
import { Instant } from "./common.ts";
import { viewOf } from "./view.ts";

export const ActionShape = viewOf<ActionRow>()(
  "ActionRow",
  z.object({
    mission_id: z.string(),
    clone: z.string(),
    key: z.string(),
    action: z.string(),
    target: z.string(),
    arguments: z.string().meta({ description: "Canonical JSON, cut; what counts is the digest." }),
    digest: z.string(),
    state: z.enum(ACTION_STATES),
    epoch: z.int(),
    agent: z.int(),
    reserved_at: Instant,
    settled_at: Instant.nullable(),
    result: z.string().nullable(),
    evidence: z.string(),
    approval: z.string().nullable(),
    duplicates: z.array(Instant),
    duplicates_total: z.int(),
  }),
);
