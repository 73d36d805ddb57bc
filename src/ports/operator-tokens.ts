import type { Role } from "../core/model/role.ts";
import type { Instant } from "../core/model/time.ts";

/** Tokens of people, each with a name and a role. What is kept of one does not let anybody in. */
export interface OperatorTokens {
  /** All that were ever made, oldest first. */
  list(): readonly OperatorToken[];
  /** Durable on return. The text is not kept and cannot be shown again. */
  create(wanted: Pick<OperatorToken, "name" | "role" | "createdAt" | "createdBy" | "expiresAt">): Promise<{
    readonly made: OperatorToken;
    readonly token: string;
  }>;
  /** Durable on return, and in force at once. A repeat changes nothing. False: there is none of that id. */
  revoke(id: string, by: string, at: Instant): Promise<boolean>;
  /** Whose token it is, over or not; null for a text that is none. */
  find(token: string): OperatorToken | null;
}

export interface OperatorToken {
  /** Says which one is meant, and opens nothing. */
  readonly id: string;
  /** Of the person, as it is recorded. */
  readonly name: string;
  readonly role: Role;
  readonly createdAt: Instant;
  readonly createdBy: string;
  readonly expiresAt: Instant;
  readonly revokedAt: Instant | null;
}

/** For installations with one shared token, and for tests. */
export const NO_OPERATOR_TOKENS: OperatorTokens = {
  list: () => [],
  create: () => Promise.reject(new Error("this controller keeps no tokens")),
  revoke: async () => false,
  find: () => null,
};

export function isOver({ revokedAt, expiresAt }: OperatorToken, now: Instant): boolean {
  return revokedAt !== null || expiresAt <= now;
}
