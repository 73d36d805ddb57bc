import { type ControllerClient, createControllerClient, wireOf } from "../adapters/http/client.ts";
import type { Look, Order } from "../api/operations/operation.ts";
import type { OperationAnswer, OperationAsked, OperationName, Operations } from "../api/operations/table.ts";
import { FactoryError } from "../core/model/error.ts";
import { nearest } from "../documents/suggest.ts";
import type { OrderAnswer } from "../ports/control-plane.ts";
import { EXIT } from "./exit.ts";
import type { Io } from "./io.ts";
import { controllerAddress, type Globals } from "./place.ts";

/** A running controller as commands ask it. */
export interface Controller extends ControllerClient {
  /** What a look at a mission or a clone shows. Rejects `cli/unknown-name`, which names what was likely meant. */
  look<Name extends NamedLook>(
    name: Name,
    input: OperationAsked<Name> & { readonly name: string },
  ): Promise<NonNullable<OperationAnswer<Name>>>;
  /** Gives an order, prints what became of it, and answers with the exit code. */
  order<Name extends OrderName>(name: Name, input: OperationAsked<Name>): Promise<number>;
  readonly wire: typeof wireOf;
  unknownName(name: string): Promise<FactoryError>;
}

/** Looks at one thing by the name of a mission or a clone. */
type NamedLook = {
  [Name in OperationName]: Operations[Name] extends Look
    ? null extends OperationAnswer<Name>
      ? Name
      : never
    : never;
}[OperationName];
type OrderName = {
  [Name in OperationName]: Operations[Name] extends Order ? Name : never;
}[OperationName];

export function connect(globals: Globals, io: Io): Controller {
  const client = createControllerClient(controllerAddress(globals));
  const json = globals.json === true;

  /** An error that names what was likely meant. */
  async function unknownName(name: string): Promise<FactoryError> {
    const fleet = await client.call("fleet");
    const names = [...fleet.missions, ...fleet.clones].map((one) => one.name);
    const meant = nearest(name, names);
    const help =
      meant !== null
        ? `did you mean ${meant}?`
        : names.length === 0
          ? "the fleet has none yet"
          : "`factory status` lists them all";
    return new FactoryError(
      "cli/unknown-name",
      "stall",
      `there is no mission or clone named ${name}; ${help}`,
    );
  }

  return {
    ...client,
    unknownName,
    wire: wireOf,
    async look(name, input) {
      const answer = await client.call(name, input);
      if (answer === null) throw await unknownName(input.name);
      return answer as NonNullable<typeof answer>;
    },
    async order(name, input) {
      const answer = (await client.call(name, input)) as OrderAnswer;
      const about = aboutOf(input);
      if (!answer.ok && answer.code === "not_found" && typeof about["name"] === "string")
        throw await unknownName(about["name"]);
      return report(answer, { io, json, about });
    },
  };
}

/** Prints what became of an order and answers with the exit code: 1 where it is refused, 2 where what it names is not there. */
export function report(
  answer: OrderAnswer,
  { io, json, about }: { readonly io: Io; readonly json: boolean; readonly about: object },
): number {
  if (json) io.json({ ...about, ...answer });
  else if (answer.ok) io.out(answer.message);
  if (answer.ok) return EXIT.fine;
  io.err(`error: ${answer.message}`);
  return answer.code === "not_found" ? EXIT.usage : EXIT.problems;
}

/** What an order is about, of everything that was said with it. */
function aboutOf(input: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(input).filter(([field]) => ABOUT.has(field)));
}

const ABOUT: ReadonlySet<string> = new Set(["name", "id", "scope"]);
