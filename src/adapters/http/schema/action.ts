import { z } from "zod";
import { ACTION_STATES, type ActionRow } from "../../../core/model/action.ts";

const Instant = z.number().meta({ description: "Milliseconds since 1970, UTC." });

export const actionRowSchema = z.object({
  missionId: z.string(),
  clone: z.string(),
  key: z.string(),
  action: z.string(),
  target: z.string(),
  arguments: z.string().meta({ description: "Canonical JSON, cut; what counts is the digest." }),
  digest: z.string(),
  state: z.enum(ACTION_STATES),
  epoch: z.int(),
  agent: z.int(),
  reservedAt: Instant,
  settledAt: Instant.nullable(),
  result: z.string().nullable(),
  evidence: z.string(),
  approval: z.string().nullable(),
  duplicates: z.array(Instant),
  duplicatesTotal: z.int(),
}) satisfies z.ZodType<ActionRow>;

export const actionsSchema = z.object({ actions: z.array(actionRowSchema) });
