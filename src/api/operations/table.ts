/**
 * Every operation of a controller that people use: one entry gives the HTTP route, the client's call, its place in
 * `openapi.json` and the tool of an MCP server. A new one is an entry here, a handler in
 * `reconciler/operators` and a command in `cli/commands`.
 */
import { fleetOperations } from "./fleet.ts";
import { laneOperations } from "./lanes.ts";
import type { AnswerOf, AskedOf, InputOf, Operation } from "./operation.ts";
import { recordOperations } from "./record.ts";
import { requestOperations } from "./requests.ts";
import { viewOperations } from "./views.ts";

export const OPERATIONS = {
  ...viewOperations,
  ...recordOperations,
  ...laneOperations,
  ...requestOperations,
  ...fleetOperations,
} satisfies Readonly<Record<string, Operation>>;

export type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;

export type OperationInput<Name extends OperationName> = InputOf<Operations[Name]>;
export type OperationAsked<Name extends OperationName> = AskedOf<Operations[Name]>;
export type OperationAnswer<Name extends OperationName> = AnswerOf<Operations[Name]>;

export const OPERATION_NAMES = Object.keys(OPERATIONS) as readonly OperationName[];
