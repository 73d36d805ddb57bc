/** Who may ask what: made and ended by an admin, in force at once. */
import { actorText } from "../../core/model/actor.ts";
import { DAY_MS, iso } from "../../core/model/time.ts";
import type { Clock } from "../../ports/clock.ts";
import type { OperationHandlers } from "../../ports/control-plane.ts";
import type { Log } from "../../ports/log.ts";
import { isOver, type OperatorTokens } from "../../ports/operator-tokens.ts";

export interface TokenOrderParts {
  readonly operatorTokens: OperatorTokens;
  readonly clock: Clock;
  readonly log: Log;
}

export function tokenOrders({
  operatorTokens,
  clock,
  log,
}: TokenOrderParts): Pick<OperationHandlers, "tokens" | "createToken" | "revokeToken"> {
  return {
    tokens: () => ({ tokens: [...operatorTokens.list()] }),
    async createToken({ name, role, days }, by) {
      const now = clock.now();
      const other = operatorTokens
        .list()
        .find((token) => token.name.toLowerCase() === name.toLowerCase() && token.name !== name);
      if (other !== undefined)
        return {
          ok: false,
          code: "conflict",
          message: `${other.name} is a person already, and ${name} reads the same; use ${other.name}`,
        };
      const expiresAt = now + days * DAY_MS;
      const { made, token } = await operatorTokens.create({
        name,
        role,
        createdAt: now,
        createdBy: actorText(by),
        expiresAt,
      });
      log.info("a token was made", { id: made.id, name, role, by: actorText(by), until: iso(expiresAt) });
      return {
        ok: true,
        message: `${name} may ask as ${role} until ${iso(expiresAt)}; the token is shown this once`,
        token,
        id: made.id,
        expiresAt,
      };
    },
    async revokeToken({ id }, by) {
      const known = operatorTokens.list().find((token) => token.id === id);
      if (known === undefined)
        return {
          ok: false,
          code: "not_found",
          message: `there is no token ${id}; \`factory token list\` shows them`,
        };
      if (isOver(known, clock.now())) return { ok: true, message: `${id} of ${known.name} was over already` };
      await operatorTokens.revoke(id, actorText(by), clock.now());
      log.info("a token was revoked", { id, name: known.name, by: actorText(by) });
      return { ok: true, message: `${id} of ${known.name} opens nothing any more` };
    },
  };
}
