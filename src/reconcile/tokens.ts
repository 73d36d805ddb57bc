import { createHmac, timingSafeEqual } from "node:crypto";
import type { InstanceHandle } from "../core/model/instance.ts";
import type { CloneState } from "../core/supervise/state.ts";
import type { Caller } from "../ports/control-plane.ts";

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

export function createTokens(options: { key: Uint8Array; operatorToken: string }): Tokens {
  function mac(clone: string, epoch: number, nonce: string): string {
    return createHmac("sha256", options.key).update(`${clone}\n${epoch}\n${nonce}`).digest("base64url");
  }
  return {
    forInstance: ({ clone, epoch, nonce }) =>
      `${PREFIX}.${clone}.${epoch}.${nonce}.${mac(clone, epoch, nonce)}`,
    identify(token, states) {
      if (sameText(token, options.operatorToken)) return { type: "operator", actor: "operator" };
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
      if (!Number.isSafeInteger(epoch) || !sameText(code, mac(clone, epoch, nonce))) return null;
      const instance = states.get(clone)?.instance;
      const current = instance?.epoch === epoch && instance.nonce === nonce;
      return { type: "instance", clone, epoch, nonce, revoked: !current || instance.stopping !== null };
    },
  };
}

/** Compares without telling by its duration where two texts differ. */
function sameText(a: string, b: string): boolean {
  const left = createHmac("sha256", "compare").update(a).digest();
  const right = createHmac("sha256", "compare").update(b).digest();
  return timingSafeEqual(left, right);
}
