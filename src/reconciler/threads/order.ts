/** A command as the operation that it is on the command line, too. */
import { toProgram } from "../../api/casing.ts";
import { jsonSchemaOf } from "../../api/json-schema.ts";
import { OPERATIONS } from "../../api/operations/table.ts";
import type { Asked } from "../../core/commands/asked.ts";
import { type Command, isVerb, type Verb } from "../../core/commands/command.ts";
import type { Actor } from "../../core/model/actor.ts";
import type { Role } from "../../core/model/role.ts";
import type { OperationHandlers, OrderAnswer } from "../../ports/control-plane.ts";

export type Ordered = Exclude<Asked, { readonly operation: "plan" }>;
export type OrderHandlers = Pick<OperationHandlers, Ordered["operation"]>;

/** The least role that may ask for it. */
export function roleFor({ operation }: Asked): Role {
  return operation === "plan" ? "viewer" : OPERATIONS[operation].access;
}

/** Before it is known what a command comes to: the least that its verb takes. */
export function leastRoleFor({ verb }: Command): Role {
  const operation = isVerb(verb) ? OPERATION_OF[verb] : "plan";
  return operation === "plan" ? "viewer" : OPERATIONS[operation].access;
}

const OPERATION_OF: Readonly<Record<Verb, Asked["operation"]>> = {
  plan: "plan",
  approve: "decide",
  deny: "decide",
  stop: "decide",
  "raise-budget": "decide",
  "go-on": "decide",
  answer: "message",
  ack: "acknowledge",
  pause: "pause",
  resume: "resume",
  kill: "kill",
  retire: "decideClosure",
  standby: "decideClosure",
  template: "decideClosure",
};

/** Checked as what comes over HTTP is. */
export async function carryOut(
  handlers: OrderHandlers,
  { operation, input }: Ordered,
  by: Actor,
): Promise<OrderAnswer> {
  const schema = OPERATIONS[operation].input;
  const { data, error } = schema.safeParse(input);
  if (error !== undefined) {
    const [issue] = error.issues;
    const field = issue?.path.join(".") ?? "";
    return {
      ok: false,
      code: "conflict",
      message: `${field === "" ? "" : `${field}: `}${issue?.message ?? "it is not right"}`,
    };
  }
  const handle = handlers[operation] as (input: unknown, by: Actor) => Promise<OrderAnswer>;
  return handle(toProgram(jsonSchemaOf(schema), data), by);
}
