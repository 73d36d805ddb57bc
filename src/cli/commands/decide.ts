import { BUDGET_FIELDS, type BudgetField, type Decided } from "../../core/model/request.ts";
import { nearest } from "../../documents/suggest.ts";
import { command } from "../command.ts";
import { usageError } from "../exit.ts";
import { option, reason } from "../options.ts";

interface DecideOptions {
  readonly raise?: readonly string[];
  readonly stop?: boolean;
  readonly approve?: boolean;
  readonly deny?: boolean;
  readonly goOn?: boolean;
  readonly reason: string;
}

/** Exit 0: recorded; 1: refused, with what would be right; 2: there is no such question. */
export const decide = command<DecideOptions, [id: string]>({
  usage: "decide <request>",
  summary: "Answer an open question of the inbox",
  examples: [
    "factory decide license-audit.budget.1 --raise max_cost_usd=8",
    "factory decide license-audit.budget.1 --stop",
    "factory decide license-audit.approval.2 --approve",
  ],
  options: [
    option("--raise <limit=number>", "a higher limit; may be given more than once").argParser(
      (text: string, before: readonly string[] | undefined) => [...(before ?? []), text],
    ),
    option("--stop", "end the mission"),
    option("--approve", "let the action be done, and nothing else"),
    option("--deny", "do not let it be done; the mission goes on without"),
    option("--go-on", "lift the hold as things are"),
    reason(),
  ],
  async run({ controller, options }, id) {
    const decided = decisionOf(options);
    return (await controller()).order("decide", {
      id,
      decision: decided.type,
      ...(decided.type === "raise" ? { budget: decided.budget } : {}),
      reason: options.reason,
    });
  },
});

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
