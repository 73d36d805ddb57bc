import { z } from "zod";
import type { Role } from "../../core/model/role.ts";
import type { Program } from "../casing.ts";
import { named } from "../named.ts";

/** What an asker must be allowed: the least role that will do. A look is for viewers, an order for operators, unless its entry says more. */
export type Access = Role;

interface Described<Input extends z.ZodObject> {
  /** One sentence or two, for people and for programs that choose among operations. */
  readonly summary: string;
  /** `{field}` stands for a field of the input; the others travel in the query of a look and in the body of an order. */
  readonly path: `/v1/${string}`;
  readonly input: Input;
  readonly access: Access;
}

/** Shows something and changes nothing. */
export interface Look<
  Input extends z.ZodObject = z.ZodObject,
  Output extends z.ZodObject = z.ZodObject,
  Absent extends string | null = string | null,
> extends Described<Input> {
  readonly kind: "look";
  readonly output: Output;
  /** What there may be none of under the name that is asked for: then the answer is null. Null: there is always an answer. */
  readonly absent: Absent;
}

/** Has something done, in the name of the person who asks. Answered once that is recorded, not once it is over. */
export interface Order<Input extends z.ZodObject = z.ZodObject, Output extends z.ZodObject = z.ZodObject>
  extends Described<Input> {
  readonly kind: "order";
  readonly output: Output;
}

export type Operation = Look | Order;

/** What every order answers. */
export const Done = named(
  "Done",
  z.object({
    message: z.string().meta({ description: "What was recorded, and where to see what becomes of it." }),
  }),
);

const NOTHING = z.strictObject({});

export function look<
  Output extends z.ZodObject,
  Input extends z.ZodObject = typeof NOTHING,
  Absent extends string | null = null,
>(said: {
  readonly summary: string;
  readonly path: Described<Input>["path"];
  readonly input?: Input;
  readonly output: Output;
  readonly absent?: Absent;
  readonly access?: Access;
}): Look<Input, Output, Absent> {
  const { input = NOTHING as unknown as Input, absent = null as Absent } = said;
  return { kind: "look", access: "viewer", ...said, input, absent };
}

export function order<
  Input extends z.ZodObject = typeof NOTHING,
  Output extends z.ZodObject = typeof Done,
>(said: {
  readonly summary: string;
  readonly path: Described<Input>["path"];
  readonly input?: Input;
  /** Default: `Done`. One of its own has a message as well. */
  readonly output?: Output;
  readonly access?: Access;
}): Order<Input, Output> {
  const { input = NOTHING as unknown as Input, output = Done as unknown as Output } = said;
  return { kind: "order", access: "operator", ...said, input, output };
}

/** An order that was not taken, with a sentence that says why and what would be right. */
export interface Refusal {
  readonly ok: false;
  readonly code: "not_found" | "conflict" | "unavailable";
  readonly message: string;
}

/** What an asker gets. */
export type AnswerOf<One extends Operation> =
  One extends Look<z.ZodObject, infer Output, infer Absent>
    ? Program<z.output<Output>> | (Absent extends string ? null : never)
    : One extends Order<z.ZodObject, infer Output>
      ? (Program<z.output<Output>> & { readonly ok: true }) | Refusal
      : never;
