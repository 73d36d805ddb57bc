import type { SwitchScope } from "../../core/model/kill-switch.ts";
import { usageError } from "../exit.ts";

export interface ScopeOptions {
  readonly all?: boolean | undefined;
  readonly label?: string | undefined;
}

/** What is to be ended or released: exactly one of a name, `--label` and `--all`. Rejects `cli/usage`. */
export function scopeOf({ all, label }: ScopeOptions, name: string | undefined): SwitchScope {
  const given = [all === true, label !== undefined, name !== undefined].filter(Boolean).length;
  if (given !== 1)
    throw usageError("name one: a mission or clone, --label <key>=<value>, or --all for the whole fleet");
  if (all === true) return { type: "fleet" };
  if (name !== undefined) return { type: "mission", name };
  const [, key = "", value = ""] = /^([^=]+)=(.*)$/.exec(label ?? "") ?? [];
  if (key === "") throw usageError(`--label ${label}: expected <key>=<value>, for example team=platform`);
  return { type: "label", key, value };
}
