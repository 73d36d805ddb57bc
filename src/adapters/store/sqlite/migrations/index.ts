import type { Migration } from "../migrate.ts";
import { record } from "./0001_record.ts";
import { actions } from "./0002_actions.ts";
import { outbox } from "./0003_outbox.ts";
import { term } from "./0004_term.ts";
import { stateChanges } from "./0005_state_changes.ts";
import { fleet } from "./0006_fleet.ts";

/** In order, numbered 1, 2, 3 … One that was released is never edited: add the next. */
export const MIGRATIONS: readonly Migration[] = [record, actions, outbox, term, stateChanges, fleet];
