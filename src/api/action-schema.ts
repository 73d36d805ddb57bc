import { z } from "zod";
import { ACTION_STATES, ARGUMENTS_SHOWN_MAX, RESULT_LENGTH_MAX } from "../core/model/action.ts";
import type { WireClaim, WireCompletion, WireRemembered } from "./action.ts";

/** Of arguments and payload together, as JSON: what is larger belongs into a file, with its digest in the arguments. */
export const CLAIM_CHARS_MAX = 64 * 1024;
const KEY_CHARS_MAX = 200;
const TARGET_CHARS_MAX = 1_000;
const ACTION_CHARS_MAX = 63;
const EVIDENCE_CHARS_MAX = 2_000;

const RequestId = z.string().min(1).max(KEY_CHARS_MAX);
const Key = z
  .string()
  .regex(/^[!-~]+( [!-~]+)*$/)
  .max(KEY_CHARS_MAX);
const ActionName = z
  .string()
  .max(ACTION_CHARS_MAX)
  .regex(/^[a-z][a-z0-9_.:-]*$/);
const Json = z.unknown().refine((value) => textOf(value).length <= CLAIM_CHARS_MAX, {
  message: `is longer than ${CLAIM_CHARS_MAX} characters as JSON`,
});

/** What is told of an agent's arguments is cut, and says how much is missing. */
const SHOWN_CHARS_MAX = ARGUMENTS_SHOWN_MAX + 40;

const wireRememberedSchema = z.strictObject({
  key: Key,
  action: ActionName,
  target: z.string().max(TARGET_CHARS_MAX),
  arguments: z.string().max(SHOWN_CHARS_MAX),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  agent: z.int().min(1),
  state: z.enum(ACTION_STATES),
  result: z.string().max(RESULT_LENGTH_MAX).nullable(),
  evidence: z.string().max(EVIDENCE_CHARS_MAX),
}) satisfies z.ZodType<WireRemembered>;

export const wireClaimSchema = z.strictObject({
  request_id: RequestId,
  action: ActionName,
  target: z.string().max(TARGET_CHARS_MAX).optional(),
  arguments: Json.optional(),
  payload: Json.optional(),
  idempotency_key: Key.optional(),
  agent: z.int().min(1).optional(),
  approval_only: z.boolean().optional(),
  remembered: wireRememberedSchema.optional(),
}) satisfies z.ZodType<WireClaim>;

export const wireCompletionSchema = z
  .strictObject({
    request_id: RequestId,
    key: Key,
    agent: z.int().min(1).optional(),
    outcome: z.enum(["done", "failed"]).optional(),
    verified: z.enum(["done", "not_done", "unverifiable"]).optional(),
    result: Json.optional(),
    evidence: z.string().max(EVIDENCE_CHARS_MAX).optional(),
    remembered: wireRememberedSchema.optional(),
  })
  .refine((said) => (said.outcome === undefined) !== (said.verified === undefined), {
    message: "say either `outcome` (what this epoch did) or `verified` (what a look found)",
  })
  .refine((said) => said.verified === undefined || (said.evidence ?? "").trim() !== "", {
    message: "`verified` needs `evidence`: what was looked at and what was found",
    path: ["evidence"],
  }) satisfies z.ZodType<WireCompletion>;

export const wireClaimAnswerSchema = z.object({
  decision: z.string(),
  key: z.string(),
  digest: z.string(),
  marker: z.string(),
  message: z.string(),
  result: z.unknown().optional(),
  verify: z.unknown().optional(),
  request: z.string().optional(),
});

export const wireCompletionAnswerSchema = z.object({
  decision: z.enum(["recorded", "frozen", "refused"]),
  key: z.string(),
  state: z.enum(["reserved", "committed", "failed", "unknown"]).nullable(),
  message: z.string(),
});

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? "";
}
