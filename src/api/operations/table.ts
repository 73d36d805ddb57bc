/**
 * Every operation of a controller that people use: one entry gives the HTTP route, the client's call, its place in
 * `openapi.json` and the tool of an MCP server. A new one is an entry here, a handler in
 * `reconciler/operators` and a command in `cli/commands`.
 */
import type { z } from "zod";
import type { Program } from "../casing.ts";
import { fleetOperations } from "./fleet.ts";
import { laneOperations } from "./lanes.ts";
import type { AnswerOf, Operation } from "./operation.ts";
import { recordOperations } from "./record.ts";
import { requestOperations } from "./requests.ts";
import { tokenOperations } from "./tokens.ts";
import { viewOperations } from "./views.ts";

export const OPERATIONS = {
  ...viewOperations,
  ...recordOperations,
  ...laneOperations,
  ...requestOperations,
  ...fleetOperations,
  ...tokenOperations,
} satisfies Readonly<Record<string, Operation>>;

export type Operations = typeof OPERATIONS;
export type OperationName = keyof Operations;

/** What a handler is given: checked, with its defaults, in camelCase. */
export type OperationInput<Name extends OperationName> = Program<z.output<Operations[Name]["input"]>>;
/** What an asker gives: fields with a default may be left out. */
export type OperationAsked<Name extends OperationName> = Program<z.input<Operations[Name]["input"]>>;
/** What an asker gets. */
export type OperationAnswer<Name extends OperationName> = AnswerOf<Operations[Name]>;

export const OPERATION_NAMES = Object.keys(OPERATIONS) as readonly OperationName[];
