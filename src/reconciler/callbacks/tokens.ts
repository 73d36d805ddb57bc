import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { CloneState } from "../../core/model/clone-state.ts";
import type { InstanceHandle } from "../../core/model/instance.ts";
import type { Instant } from "../../core/model/time.ts";
import type { Caller } from "../../ports/control-plane.ts";
import { isOver, type OperatorTokens } from "../../ports/operator-tokens.ts";

/**
 * Bearer tokens of instances. Derived from the installation's key, so that a
 * launch can be repeated after a crash without the token ever being stored;
 * valid for one clone, epoch and nonce, and revoked with the epoch.
 */
export interface Tokens {
  forInstance(instance: Pick<InstanceHandle, "clone" | "epoch" | "nonce">): string;
  /** Whom a token stands for, judged by the record: an epoch that is not the living one is revoked. */
  identify(token: string, states: ReadonlyMap<string, CloneState>): Caller | null;
}

/** `fct1.<clone>.<epoch>.<nonce>.<mac>`: the claims are readable, the code proves them. */
const PREFIX = "fct1";

export function createTokens(options: {
  readonly key: Uint8Array;
  /** Of the installation: an admin's, and nobody's by name. */
  readonly operatorToken: string;
  readonly operatorTokens?: OperatorTokens;
  readonly now?: () => Instant;
}): Tokens {
  const operatorDigest = digest(options.operatorToken);
  /** Claims of tokens that were proven: every heartbeat shows the same token. Bounded; forgetting costs a proof. */
  const proven = new Map<string, Claims>();

  function mac(clone: string, epoch: number, nonce: string): string {
    return createHmac("sha256", options.key).update(`${clone}\n${epoch}\n${nonce}`).digest("base64url");
  }
  return {
    forInstance: ({ clone, epoch, nonce }) =>
      `${PREFIX}.${clone}.${epoch}.${nonce}.${mac(clone, epoch, nonce)}`,
    identify(token, states) {
      const claims = proven.get(token) ?? prove(token);
      if (claims === null) {
        if (timingSafeEqual(digest(token), operatorDigest))
          return { type: "operator", actor: "operator", role: "admin", named: false };
        const own = options.operatorTokens?.find(token) ?? null;
        return own === null || isOver(own, options.now?.() ?? 0)
          ? null
          : { type: "operator", actor: own.name, role: own.role, named: true };
      }
      const { clone, epoch, nonce } = claims;
      const instance = states.get(clone)?.instance;
      const current = instance?.epoch === epoch && instance.nonce === nonce;
      return { type: "instance", clone, epoch, nonce, revoked: !current || instance.stopping !== null };
    },
  };

  function prove(token: string): Claims | null {
    const [prefix, clone, epochText, nonce, code, ...rest] = token.split(".");
    const epoch = Number(epochText);
    if (
      prefix !== PREFIX ||
      clone === undefined ||
      nonce === undefined ||
      code === undefined ||
      rest.length > 0
    )
      return null;
    if (!Number.isSafeInteger(epoch) || !timingSafeEqual(digest(code), digest(mac(clone, epoch, nonce))))
      return null;
    if (proven.size >= PROVEN_MAX) proven.clear();
    const claims = { clone, epoch, nonce };
    proven.set(token, claims);
    return claims;
  }
}

interface Claims {
  readonly clone: string;
  readonly epoch: number;
  readonly nonce: string;
}

/** More living instances than one controller has. */
const PROVEN_MAX = 20_000;

/** Texts of one length, so that comparing them does not tell by its duration where they differ. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
