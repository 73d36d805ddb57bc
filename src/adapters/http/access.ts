import type { IncomingHttpHeaders } from "node:http";
import { type Actor, operator } from "../../core/model/actor.ts";
import type { Caller, ControlPlane } from "../../ports/control-plane.ts";
import { ACTOR_CHARS_MAX } from "./limits.ts";
import { HttpProblem } from "./problem.ts";
import type { Route } from "./route.ts";

/** Longer than any token of ours; nothing longer is hashed and compared. */
const TOKEN_CHARS_MAX = 1_024;
const BEARER = /^Bearer +([!-~]+)$/i;

/** What an operator's token stands for today; roles that look and do not decide may have tokens of their own. */
const MAY: Readonly<Record<Caller["type"], readonly Route["access"][]>> = {
  operator: ["viewer", "operator"],
  instance: ["instance"],
};

/** Whom the request stands for. Throws 401 without a valid token and 403 for one of the other kind. */
export function admit(
  plane: ControlPlane,
  route: Pick<Route, "access">,
  headers: IncomingHttpHeaders,
): Caller | null {
  if (route.access === "open") return null;
  const token = BEARER.exec(headers.authorization ?? "")?.[1];
  const asked = route.access === "instance" ? "instance" : "operator";
  if (token === undefined || token.length > TOKEN_CHARS_MAX) {
    throw new HttpProblem("unauthorized", `send "Authorization: Bearer <${asked} token>"`);
  }
  const caller = plane.authenticate(token);
  if (!caller) throw new HttpProblem("unauthorized", "this token is not known here");
  if (!MAY[caller.type].includes(route.access)) {
    throw new HttpProblem("forbidden", `this asks for the token of an ${asked}, not of an ${caller.type}`);
  }
  return caller;
}

/** Who acts: the name that the asker gives, or the one that the token has. It is recorded, so it is kept printable. */
export function actorOf(caller: Caller | null, headers: IncomingHttpHeaders): Actor {
  const named = headers["x-factory-actor"];
  if (named === undefined || named === "")
    return operator(caller?.type === "operator" ? caller.actor : "operator");
  if (typeof named === "string" && named.length <= ACTOR_CHARS_MAX && /^[!-~]+( [!-~]+)*$/.test(named))
    return operator(named);
  const expected = `printable ASCII, at most ${ACTOR_CHARS_MAX} characters`;
  throw new HttpProblem("request_invalid", "the actor's name cannot be recorded", [
    { field: "X-Factory-Actor", message: "is not a name", expected },
  ]);
}
