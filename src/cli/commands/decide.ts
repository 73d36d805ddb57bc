import { BUDGET_FIELDS, type BudgetField, type Decided } from "../../core/model/request.ts";
import { nearest } from "../../documents/suggest.ts";
import type { OrderAnswer } from "../../ports/control-plane.ts";
import { connect } from "../controller.ts";
import { EXIT, usageError } from "../exit.ts";
import type { Io } from "../io.ts";
import type { Call } from "../program.ts";

export interface DecideOptions {
  readonly raise?: readonly string[];
  readonly stop?: boolean;
  readonly approve?: boolean;
  readonly deny?: boolean;
  readonly goOn?: boolean;
  readonly reason: string;
}

/** Answers an open question. Exit 0: recorded; 1: refused, with what would be right. */
export async function decide({ io, globals, options }: Call<DecideOptions>, id: string): Promise<number> {
  const decided = decisionOf(options);
  const answer = await connect(globals).call("decide", {
    id,
    decision: decided.type,
    ...(decided.type === "raise" ? { budget: decided.budget } : {}),
    reason: options.reason,
  });
  return told(answer, { io, id, json: globals.json === true });
}

/** Says that somebody looks into it. */
export async function ack({ io, globals }: Call<object>, id: string): Promise<number> {
  return told(await connect(globals).call("acknowledge", { id }), { io, id, json: globals.json === true });
}

function decisionOf(options: DecideOptions): Decided {
  const { raise = [], stop, approve, deny, goOn } = options;
  const given: Decided[] = [
    ...(raise.length > 0 ? [{ type: "raise" as const, budget: raisesOf(raise) }] : []),
    ...(stop === true ? [{ type: "stop" as const }] : []),
    ...(approve === true ? [{ type: "approve" as const }] : []),
    ...(deny === true ? [{ type: "deny" as const }] : []),
    ...(goOn === true ? [{ type: "go_on" as const }] : []),
  ];
  const [first, second] = given;
  if (first === undefined || second !== undefined) {
    throw usageError(
      `${first === undefined ? "no answer was given" : "one answer at a time"}; give one of --raise <limit>=<number>, --stop, --approve, --deny, --go-on (\`factory inbox <request>\` shows which it takes)`,
    );
  }
  return first;
}

function raisesOf(raises: readonly string[]): Partial<Record<BudgetField, number>> {
  const budget: Partial<Record<BudgetField, number>> = {};
  for (const text of raises) {
    const [, name = "", number = ""] = /^([^=]*)=(.*)$/.exec(text) ?? [];
    const field = BUDGET_FIELDS.find((one) => one === name);
    if (field === undefined) {
      const meant = nearest(name, BUDGET_FIELDS);
      const help = meant === null ? `they are ${BUDGET_FIELDS.join(", ")}` : `did you mean ${meant}?`;
      throw usageError(`--raise ${text}: there is no such limit; ${help}`);
    }
    const value = Number(number);
    if (number.trim() === "" || !Number.isFinite(value) || value <= 0)
      throw usageError(`--raise ${text}: expected a number above 0, for example ${field}=8`);
    budget[field] = value;
  }
  return budget;
}

function told(answer: OrderAnswer, { io, id, json }: { io: Io; id: string; json: boolean }): number {
  if (json) io.json({ request: id, ...answer });
  else if (answer.ok) io.out(answer.message);
  if (answer.ok) return EXIT.fine;
  io.err(`error: ${answer.message}`);
  return answer.code === "not_found" ? EXIT.usage : EXIT.problems;
}
