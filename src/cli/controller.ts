import { type ControllerClient, createControllerClient } from "../adapters/http/client.ts";
import { FactoryError } from "../core/model/error.ts";
import { nearest } from "../documents/suggest.ts";
import type { OrderAnswer } from "../ports/control-plane.ts";
import { EXIT } from "./exit.ts";
import type { Io } from "./io.ts";
import { controllerAddress, type Globals } from "./place.ts";

export function connect(globals: Globals): ControllerClient {
  return createControllerClient(controllerAddress(globals));
}

/** An error that names what was likely meant. */
export async function unknownName(client: ControllerClient, name: string): Promise<FactoryError> {
  const fleet = await client.call("fleet");
  const names = [...fleet.missions, ...fleet.clones].map((one) => one.name);
  const meant = nearest(name, names);
  const help =
    meant !== null
      ? `did you mean ${meant}?`
      : names.length === 0
        ? "the fleet has none yet"
        : "`factory status` lists them all";
  return new FactoryError("cli/unknown-name", "stall", `there is no mission or clone named ${name}; ${help}`);
}

export interface Decision {
  readonly io: Io;
  readonly client: ControllerClient;
  readonly name: string;
  readonly json: boolean;
}

/** Prints what became of a decision and answers with the exit code. */
export async function report(answer: OrderAnswer, { io, client, name, json }: Decision): Promise<number> {
  if (!answer.ok && answer.code === "not_found") throw await unknownName(client, name);
  if (json) io.json({ name, ...answer });
  else if (answer.ok) io.out(answer.message);
  if (!answer.ok) io.err(`error: ${answer.message}`);
  return answer.ok ? EXIT.fine : EXIT.problems;
}
