/**
 * The effect ledger of a living mission as the status branch keeps it: enough that nothing is done a second time. What was
 * to be done and what came of it stay on this machine, because nobody has said that they may be read by everybody: an
 * action that is claimed again after a loss is answered as done, without its result.
 */
import { ACTION_STATES, type ActionRow, type ActionState } from "../model/action.ts";
import { FactoryError } from "../model/error.ts";

/** A row takes some 250 bytes; the largest file that is read back holds 2 MiB. */
export const ROWS_PER_FILE = 2_000;

export interface PublishedAction {
  readonly key: string;
  readonly action: string;
  readonly target: string;
  readonly digest: string;
  readonly state: ActionState;
  readonly epoch: number;
  readonly agent: number;
  readonly reserved_at: number;
  readonly settled_at: number | null;
}

/** Texts of at most `ROWS_PER_FILE` rows each. */
export function actionTexts(rows: readonly ActionRow[]): readonly string[] {
  const texts: string[] = [];
  for (let from = 0; from < rows.length; from += ROWS_PER_FILE) {
    const part = rows.slice(from, from + ROWS_PER_FILE).map(
      (row): PublishedAction => ({
        key: row.key,
        action: row.action,
        target: row.target,
        digest: row.digest,
        state: row.state,
        epoch: row.epoch,
        agent: row.agent,
        reserved_at: row.reservedAt,
        settled_at: row.settledAt,
      }),
    );
    const missionId = rows[0]?.missionId ?? "";
    texts.push(`${JSON.stringify({ mission_id: missionId, rows: part }, null, 1)}\n`);
  }
  return texts;
}

/** Rejects `record/unreadable`: a ledger with a hole in it would let something be done twice. */
export function readActions(path: string, text: string, clone: string): readonly ActionRow[] {
  const { mission_id: missionId, rows } = parse(text);
  if (typeof missionId !== "string" || !Array.isArray(rows) || !rows.every(isPublished))
    throw new FactoryError(
      "record/unreadable",
      "stall",
      `${path} on the status branch cannot be used: it is not a part of an effect ledger`,
    );
  return rows.map((row) => ({
    missionId,
    clone,
    key: row.key,
    action: row.action,
    target: row.target,
    arguments: "",
    digest: row.digest,
    state: row.state,
    epoch: row.epoch,
    agent: row.agent ?? 1,
    reservedAt: row.reserved_at,
    settledAt: row.settled_at,
    result: null,
    evidence: "known from the status branch; what came of it was lost with the record",
    approval: null,
    duplicates: [],
    duplicatesTotal: 0,
  }));
}

function parse(text: string): { readonly mission_id?: unknown; readonly rows?: unknown } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

function isPublished(value: unknown): value is PublishedAction {
  if (typeof value !== "object" || value === null) return false;
  const row = value as Partial<PublishedAction>;
  return (
    typeof row.key === "string" &&
    typeof row.action === "string" &&
    typeof row.target === "string" &&
    typeof row.digest === "string" &&
    typeof row.epoch === "number" &&
    typeof row.reserved_at === "number" &&
    (ACTION_STATES as readonly unknown[]).includes(row.state)
  );
}
