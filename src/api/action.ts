/**
 * What a shim says and hears about the actions of its agent: `POST /v1/actions/claim` and `POST /v1/actions/complete`.
 * Documented in `specs/actions.md`.
 */
import { z } from "zod";
import { ACTION_STATES, ARGUMENTS_SHOWN_MAX, RESULT_LENGTH_MAX } from "../core/model/action.ts";
import type { Wire } from "./wire.ts";

/** Of arguments and payload together, as JSON: what is larger belongs into a file, with its digest in the arguments. */
export const CLAIM_CHARS_MAX = 64 * 1024;
const KEY_CHARS_MAX = 200;
const TARGET_CHARS_MAX = 1_000;
const ACTION_CHARS_MAX = 63;
const EVIDENCE_CHARS_MAX = 2_000;
/** What is shown of an agent's arguments is cut, and says how much is missing. */
const SHOWN_CHARS_MAX = ARGUMENTS_SHOWN_MAX + 40;

/** One per question: the same id is answered as it was the first time. */
const RequestId = z.string().min(1).max(KEY_CHARS_MAX);
const Key = z
  .string()
  .regex(/^[!-~]+( [!-~]+)*$/)
  .max(KEY_CHARS_MAX);
const ActionName = z
  .string()
  .max(ACTION_CHARS_MAX)
  .regex(/^[a-z][a-z0-9_.:-]*$/);
/** Which agent of the instance asks: 1, 2, … where one was started again in place. Default 1. */
const AgentNumber = z.int().min(1);
const Json = z.unknown().refine((value) => textOf(value).length <= CLAIM_CHARS_MAX, {
  message: `is longer than ${CLAIM_CHARS_MAX} characters as JSON`,
});

/** What the shim knows of an action, for a record that was lost meanwhile. Not part of the question. */
export const WireRemembered = z.strictObject({
  key: Key,
  action: ActionName,
  target: z.string().max(TARGET_CHARS_MAX),
  /** Canonical JSON, cut as the ledger cuts it. */
  arguments: z.string().max(SHOWN_CHARS_MAX),
  digest: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  agent: AgentNumber,
  state: z.enum(ACTION_STATES),
  /** Canonical JSON. */
  result: z.string().max(RESULT_LENGTH_MAX).nullable(),
  evidence: z.string().max(EVIDENCE_CHARS_MAX),
});
export type WireRemembered = Wire<typeof WireRemembered>;

export const WireClaim = z.strictObject({
  request_id: RequestId,
  action: ActionName,
  target: z.string().max(TARGET_CHARS_MAX).optional(),
  arguments: Json.optional(),
  payload: Json.optional(),
  idempotency_key: Key.optional(),
  agent: AgentNumber.optional(),
  /** Only asks for the approval and reserves nothing. */
  approval_only: z.boolean().optional(),
  remembered: WireRemembered.optional(),
});
export type WireClaim = Wire<typeof WireClaim>;

export const CLAIM_DECISIONS = [
  "go", // reserved: do it now, then complete it
  "replay", // done already: `result` is what came of it
  "in_progress", // this epoch is at it already
  "verify", // it is not known whether it was done: look, and complete it with `verified`
  "skip", // it is not known, and a person let the mission go on without it
  "conflict", // this key stands for another action
  "approval_required", // a person has been asked; claim it again once the mission goes on
  "approved", // only for `approval_only`
  "denied", // by a person, or because no answer came in time
  "held", // the mission is paused or being ended: nothing is begun
  "limit", // too many actions for one mission
] as const;
export type ClaimDecision = (typeof CLAIM_DECISIONS)[number];

export const WireClaimAnswer = z.object({
  decision: z.enum(CLAIM_DECISIONS),
  key: z.string(),
  digest: z.string(),
  /** To be left in the world outside where that is possible, so that a later look finds it. */
  marker: z.string(),
  /** A sentence for the agent. */
  message: z.string(),
  /** With `replay`: as it was told at its completion. */
  result: z.unknown().exactOptional(),
  /** With `verify`: what to look for. */
  verify: z
    .object({
      action: z.string(),
      target: z.string(),
      marker: z.string(),
      reserved_epoch: z.int(),
      reserved_at: z.string(),
    })
    .exactOptional(),
  /** The open question, with `approval_required`, and with what froze the lane. */
  request: z.string().exactOptional(),
});
export type WireClaimAnswer = Wire<typeof WireClaimAnswer>;

export const WireCompletion = z
  .strictObject({
    request_id: RequestId,
    key: Key,
    agent: AgentNumber.optional(),
    /** What came of it; for what this epoch began itself. */
    outcome: z.enum(["done", "failed"]).optional(),
    /** What a look at the world outside found; needs `evidence`. */
    verified: z.enum(["done", "not_done", "unverifiable"]).optional(),
    result: Json.optional(),
    evidence: z.string().max(EVIDENCE_CHARS_MAX).optional(),
    remembered: WireRemembered.optional(),
  })
  .refine((said) => (said.outcome === undefined) !== (said.verified === undefined), {
    message: "say either `outcome` (what this epoch did) or `verified` (what a look found)",
  })
  .refine((said) => said.verified === undefined || (said.evidence ?? "").trim() !== "", {
    message: "`verified` needs `evidence`: what was looked at and what was found",
    path: ["evidence"],
  });
export type WireCompletion = Wire<typeof WireCompletion>;

export const WireCompletionAnswer = z.object({
  /** `recorded`: it stands in the ledger, now or since before. `frozen`: a person has to look. */
  decision: z.enum(["recorded", "frozen", "refused"]),
  key: z.string(),
  state: z.enum(ACTION_STATES).nullable(),
  message: z.string(),
});
export type WireCompletionAnswer = Wire<typeof WireCompletionAnswer>;

function textOf(value: unknown): string {
  return JSON.stringify(value) ?? "";
}
