/** Answers to open questions, by the id that the inbox shows. */
import { z } from "zod";
import { BUDGET_FIELDS, DECISION_TYPES } from "../../core/model/request.ts";
import { asWritten } from "../json-schema.ts";
import { Name, Reason } from "./inputs.ts";
import { order } from "./operation.ts";

const NewLimits = z
  .partialRecord(z.enum(BUDGET_FIELDS), z.number().positive().max(Number.MAX_SAFE_INTEGER))
  .meta({ description: "With `raise`, and only with it: the new limits." });

export const requestOperations = {
  decide: order({
    summary: "Answers an open question: raise, stop, approve, deny or go_on, as it allows.",
    path: "/v1/requests/{id}/decide",
    access: "approver",
    input: z
      .strictObject({
        id: Name,
        decision: z.enum(DECISION_TYPES),
        budget: asWritten(NewLimits).optional(),
        reason: Reason,
      })
      .refine((said) => (said.decision === "raise") === (said.budget !== undefined), {
        message: "`budget` comes with the decision `raise`, and only with it",
      }),
  }),
  acknowledge: order({
    summary: "Says that somebody looks into an open question; it comes back all the same.",
    path: "/v1/requests/{id}/acknowledge",
    input: z.strictObject({ id: Name }),
  }),
};
