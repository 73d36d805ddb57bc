import type { FactoryError } from "../../core/model/error.ts";
import type { ForgePolicy } from "../../core/model/forge.ts";
import { sameValue } from "../../core/model/same.ts";
import type { ForgeCondition, ForgeReason } from "../../core/status/forge.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Forge, OpenForge } from "../../ports/forge.ts";
import type { Log } from "../../ports/log.ts";

/** The forge that `fleet.yaml` names at present, and how it is reached. */
export interface ForgeLink {
  /** Null: none is declared. Another one is opened when the declaration changes. */
  current(): { readonly forge: Forge; readonly policy: ForgePolicy } | null;
  reached(): void;
  failed(error: FactoryError): void;
  condition(): ForgeCondition | null;
}

export function createForgeLink(parts: {
  readonly open: OpenForge;
  readonly declared: () => ForgePolicy | null;
  readonly clock: Clock;
  readonly log: Log;
  /** People should see it. */
  readonly onChange: () => void;
}): ForgeLink {
  const { clock, log } = parts;
  let opened: { readonly forge: Forge; readonly policy: ForgePolicy } | null = null;
  let condition: ForgeCondition | null = null;

  function current(): typeof opened {
    const policy = parts.declared();
    if (policy === null) {
      opened = null;
      condition = null;
    } else if (opened === null || !sameValue(opened.policy, policy)) {
      opened = { forge: parts.open(policy), policy };
      condition = conditionOf("Unknown", "NotAskedYet", "the forge has not been asked yet");
    }
    return opened;
  }

  function conditionOf(
    status: ForgeCondition["status"],
    reason: ForgeReason,
    message: string,
  ): ForgeCondition {
    const since = condition?.status === status ? condition.since : clock.now();
    return { type: "ForgeReachable", status, reason, message, since };
  }

  function become(next: ForgeCondition): void {
    const before = condition;
    condition = next;
    if (before?.status === next.status && before.reason === next.reason) return;
    const facts = { forge: opened?.forge.name ?? null, reason: next.reason, message: next.message };
    if (next.status === "True") log.info("the forge is reached", facts);
    else log.warn("the forge is not reached; reviews wait for it, and what needs approvals", facts);
    parts.onChange();
  }

  return {
    current,
    reached: () => become(conditionOf("True", "Reached", "the forge answers")),
    failed(error) {
      const reason = REASONS[error.code];
      if (reason !== undefined && opened !== null) become(conditionOf("False", reason, error.message));
    },
    condition: () => condition,
  };
}

const REASONS: Readonly<Record<string, ForgeReason>> = {
  "forge/unreachable": "Unreachable",
  "forge/refused": "CredentialRefused",
  "forge/not-found": "NotFound",
  "forge/limited": "Limited",
  "forge/rejected": "Rejected",
};
