import type { IncomingHttpHeaders } from "node:http";
import { type Actor, namedOperator, operator } from "../../core/model/actor.ts";
import { mayAct } from "../../core/model/role.ts";
import type { Caller, ControlPlane } from "../../ports/control-plane.ts";
import { ACTOR_CHARS_MAX } from "./limits.ts";
import { HttpProblem } from "./problem.ts";
import type { Route } from "./route.ts";

/** Longer than any token of ours; nothing longer is hashed and compared. */
const TOKEN_CHARS_MAX = 1_024;
const BEARER = /^Bearer +([!-~]+)$/i;

/** Whom the request stands for. Throws 401 without a valid token, 403 for one of the other kind and for a role that may not. */
export function admit(
  plane: ControlPlane,
  route: Pick<Route, "access">,
  headers: IncomingHttpHeaders,
): Caller | null {
  if (route.access === "open" || route.access === "signed") return null;
  const token = BEARER.exec(headers.authorization ?? "")?.[1];
  const asked = route.access === "instance" ? "instance" : "operator";
  if (token === undefined || token.length > TOKEN_CHARS_MAX) {
    throw new HttpProblem("unauthorized", `send "Authorization: Bearer <${asked} token>"`);
  }
  const caller = plane.authenticate(token);
  if (!caller) throw new HttpProblem("unauthorized", "this token is not known here");
  if (caller.type !== asked)
    throw new HttpProblem("forbidden", `this asks for the token of an ${asked}, not of an ${caller.type}`);
  if (caller.type === "operator" && route.access !== "instance" && !mayAct(caller.role, route.access))
    throw new HttpProblem(
      "forbidden",
      `${caller.actor} may ask as ${caller.role}; this takes the role ${route.access}`,
    );
  return caller;
}

/** Who acts: the person whose token it is, whatever they call themselves; with the shared token the name that the asker gives. It is recorded, so it is kept printable. */
export function actorOf(caller: Caller | null, headers: IncomingHttpHeaders): Actor {
  if (caller?.type === "operator" && caller.named) return namedOperator(caller.actor);
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
