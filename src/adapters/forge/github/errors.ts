import { RequestError } from "@octokit/request-error";
import { FactoryError } from "../../../core/model/error.ts";

/** Of the forge's own words that an error repeats. */
const SAID_CHARS_MAX = 300;

/** An answer that is a limit: wait, and until when if the forge says so. */
export interface LimitAnswer {
  /** `primary`: the hour's requests are used up. `secondary`: too much at once. */
  readonly kind: "primary" | "secondary";
  /** Null: it does not say. */
  readonly retryAfterMs: number | null;
}

/** Whether the answer says that we ask too much; `nowMs` for limits that name an instant. */
export function limitOf(error: unknown, nowMs: number): LimitAnswer | null {
  if (!(error instanceof RequestError) || (error.status !== 403 && error.status !== 429)) return null;
  const headers = error.response?.headers ?? {};
  const retryAfter = Number(headers["retry-after"]);
  if (headers["retry-after"] !== undefined && Number.isFinite(retryAfter))
    return { kind: "secondary", retryAfterMs: Math.max(0, retryAfter) * 1_000 };
  if (headers["x-ratelimit-remaining"] === "0") {
    const reset = Number(headers["x-ratelimit-reset"]) * 1_000;
    return { kind: "primary", retryAfterMs: Number.isFinite(reset) ? Math.max(0, reset - nowMs) : null };
  }
  if (error.status === 429 || /secondary rate limit|abuse detection/i.test(error.message))
    return { kind: "secondary", retryAfterMs: null };
  return null;
}

/** Whether the credential may not do it, although it is accepted. */
export function isForbidden(error: unknown): boolean {
  return error instanceof FactoryError && error.cause instanceof RequestError && error.cause.status === 403;
}

export function isNotFound(error: unknown): boolean {
  return error instanceof FactoryError && error.code === "forge/not-found";
}

/** What was thrown while `what` was done, in words that say what to do next. Limits are told before. */
export function asForgeError(error: unknown, what: string): FactoryError {
  if (error instanceof FactoryError) return error;
  const cause = { cause: error };
  if (!(error instanceof RequestError)) {
    const message = `${what}: ${error instanceof Error ? error.message : String(error)}`;
    return new FactoryError("forge/unreachable", "retry", message, cause);
  }
  const said = `${what}: the forge answered ${error.status}: ${error.message.slice(0, SAID_CHARS_MAX)}`;
  switch (error.status) {
    case 401:
      return new FactoryError("forge/refused", "stall", `${said}; the credential is not accepted`, cause);
    case 403:
      return new FactoryError("forge/refused", "stall", `${said}; the credential may not do this`, cause);
    case 404:
    case 410:
      return new FactoryError(
        "forge/not-found",
        "stall",
        `${said}; it is not there, or the credential may not see it`,
        cause,
      );
    default:
      if (error.status >= 500 || error.status === 408)
        return error.response === undefined
          ? new FactoryError("forge/unreachable", "retry", `${what}: ${error.message}`, cause)
          : new FactoryError("forge/unreachable", "retry", said, cause);
      return new FactoryError("forge/rejected", "stall", said, cause);
  }
}
