/** What commands come to, and what they are read against. */
import type { CloneState } from "../model/clone-state.ts";
import type { BudgetField, DecisionType } from "../model/request.ts";
import type { ShownThread } from "../model/thread.ts";
import type { Instant } from "../model/time.ts";
import type { Question } from "../threads/questions.ts";

/** An operation of the table (`src/api/operations`) with what it is given, or a new plan of a pull request. */
export type Asked =
  | {
      readonly operation: "decide";
      readonly input: {
        readonly id: string;
        readonly decision: DecisionType;
        readonly budget?: Readonly<Partial<Record<BudgetField, number>>>;
        readonly reason: string;
      };
    }
  | { readonly operation: "acknowledge"; readonly input: { readonly id: string } }
  | {
      readonly operation: "pause" | "resume";
      readonly input: { readonly name: string; readonly reason: string };
    }
  | {
      readonly operation: "kill";
      readonly input: { readonly name: string; readonly reason: string; readonly now: boolean };
    }
  | { readonly operation: "message"; readonly input: { readonly name: string; readonly text: string } }
  | {
      readonly operation: "decideClosure";
      readonly input: {
        readonly name: string;
        readonly decision: "retire" | "standby" | "template";
        readonly reason: string;
      };
    }
  | { readonly operation: "plan"; readonly input: { readonly number: number } };

export interface CommandPlace {
  /** Number of the issue or pull request. */
  readonly on: number;
  /** By the forge's clock. */
  readonly writtenAt: Instant;
  /** The thread that this is, with its key; null: it is none. */
  readonly thread: (ShownThread & { readonly key: string }) | null;
}

export interface WhatStands {
  /** Open questions, with the key of their thread. */
  readonly open: readonly OpenQuestion[];
  /** As it stands on the forge, by key. */
  readonly shown: Readonly<Record<string, ShownThread>>;
  readonly states: ReadonlyMap<string, CloneState>;
  /** The lane that a name means; null: nobody is called so. */
  readonly lane: (name: string) => CloneState | null;
}

export interface OpenQuestion extends Question {
  readonly thread: string;
}
