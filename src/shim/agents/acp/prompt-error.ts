import { isRecord } from "../../../instance/files.ts";
import { RPC_CODE, type RpcError } from "./rpc.ts";

/** What follows from an error with which a prompt, or the beginning of a session, was answered. */
export type ErrorMeaning =
  /** Its provider refuses its credentials: no restart cures that. */
  | { readonly type: "unauthorized" }
  /** Its provider makes it wait; null: nobody said how long. */
  | { readonly type: "throttled"; readonly retryAfterMs: number | null }
  | { readonly type: "cancelled" }
  /** The agent is gone, or does not speak the protocol. */
  | { readonly type: "gone" }
  | { readonly type: "failed" };

/** Longer than that nobody waits for a provider at one time. */
const RETRY_AFTER_MS_MAX = 60 * 60 * 1_000;

/** Agents put the provider's status where there is room for it: as the code, or somewhere in the data. */
export function meaningOfError({ code, data }: RpcError): ErrorMeaning {
  if (code === RPC_CODE.closed || code === RPC_CODE.timedOut) return { type: "gone" };
  if (code === RPC_CODE.cancelled) return { type: "cancelled" };
  const status = statusOf(code, data);
  if (code === RPC_CODE.unauthorized || status === 401 || status === 403) return { type: "unauthorized" };
  if (status === 429) return { type: "throttled", retryAfterMs: retryAfterOf(data) };
  return { type: "failed" };
}

function statusOf(code: number, data: unknown): number | null {
  if (code >= 400 && code < 600) return code;
  if (!isRecord(data)) return null;
  for (const field of ["status", "statusCode", "code", "http_status"]) {
    const value = Number(data[field]);
    if (Number.isInteger(value) && value >= 400 && value < 600) return value;
  }
  return null;
}

function retryAfterOf(data: unknown): number | null {
  if (!isRecord(data)) return null;
  const { retryAfterMs, retryAfter } = data;
  const ms =
    typeof retryAfterMs === "number"
      ? retryAfterMs
      : typeof retryAfter === "number"
        ? retryAfter * 1_000
        : null;
  return ms === null || !(ms >= 0) ? null : Math.min(ms, RETRY_AFTER_MS_MAX);
}
