import type { Problem, ProblemField } from "../../api/problem.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { IngestAnswer } from "../../ports/control-plane.ts";
import { RETRY_AFTER_GAP_SECONDS, RETRY_AFTER_TROUBLE_SECONDS } from "./limits.ts";

/** The one table from a code to what HTTP calls it. Codes that start with a part of the program are a FactoryError's. */
const PROBLEMS = {
  // The request is wrong.
  json_malformed: [400, "The body is not the JSON that was announced"],
  request_invalid: [400, "The request does not have the shape that is asked for"],
  event_invalid: [400, "The event does not have the shape that is asked for"],
  bad_request: [400, "The request could not be read"],
  unauthorized: [401, "A valid bearer token is needed"],
  identity_mismatch: [403, "The token does not stand for the one who is named"],
  forbidden: [403, "The token is of the wrong kind"],
  not_found: [404, "There is no such thing"],
  method_not_allowed: [405, "The resource does not know this method"],
  timeout: [408, "The request did not come in in time"],
  conflict: [409, "The present state does not allow it"],
  key_conflict: [409, "Another payload was taken under this key"],
  epoch_fenced: [410, "The epoch has been fenced"],
  body_too_large: [413, "The body is too large"],
  content_type: [415, "The content type is not one that is understood here"],
  host_unknown: [421, "The request was meant for another host"],
  too_early: [425, "An earlier event is missing"],
  headers_too_large: [431, "The headers are too large"],
  // We are.
  internal: [500, "The controller made a mistake"],
  unavailable: [503, "Not possible right now"],
  closing: [503, "The controller is about to end"],
  // What parts of the program say by code.
  "source/unknown-revision": [404, "There is no such revision"],
  "record/unsettled": [503, "It is not known yet whether the record is whole"],
  "lease/lost": [503, "Another controller acts on the record"],
  "store/conflict": [503, "Somebody else has written in between"],
} as const satisfies Record<string, readonly [number, string]>;

export type ProblemCode = keyof typeof PROBLEMS;

/** Leaves a handler as an answer. Holds nothing that the asker may not see. */
export class HttpProblem extends Error {
  override readonly name = "HttpProblem";
  readonly problem: Problem;

  constructor(code: ProblemCode, detail: string, errors: readonly ProblemField[] = []) {
    super(detail);
    this.problem = problemOf(code, detail, errors);
  }
}

export function problemOf(code: ProblemCode, detail: string, errors: readonly ProblemField[] = []): Problem {
  const [status, title] = PROBLEMS[code];
  return {
    type: `urn:factory:problem:${code}`,
    title,
    status,
    code,
    detail,
    ...(errors.length > 0 ? { errors } : {}),
  };
}

/** Seconds after which the same request may go through; null where a repeat is of no use. */
export function retryAfterSeconds(status: number): number | null {
  if (status === 425) return RETRY_AFTER_GAP_SECONDS;
  return status === 503 ? RETRY_AFTER_TROUBLE_SECONDS : null;
}

/**
 * What a part of the program threw. Trouble that passes is 503 and says what it
 * is; a mistake of ours is 500 and says nothing: the log does.
 */
export function problemOfError(error: unknown): Problem {
  if (error instanceof HttpProblem) return error.problem;
  if (!(error instanceof FactoryError)) return internal();
  if (isCode(error.code)) return problemOf(error.code, error.message);
  switch (error.disposition) {
    case "crash":
      return internal();
    case "stall":
      return { ...problemOf("conflict", error.message), code: error.code };
    default:
      return { ...problemOf("unavailable", error.message), code: error.code };
  }
}

function internal(): Problem {
  return problemOf("internal", "This is a mistake of the controller; its log says more");
}

function isCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

const INGEST_CODES = {
  403: "identity_mismatch",
  409: "key_conflict",
  410: "epoch_fenced",
  425: "too_early",
} as const satisfies Record<Exclude<IngestAnswer["status"], 200 | 208>, ProblemCode>;

/** Null for what was taken. */
export function problemOfIngest(answer: IngestAnswer): Problem | null {
  if (answer.status === 200 || answer.status === 208) return null;
  return problemOf(INGEST_CODES[answer.status], answer.message);
}
