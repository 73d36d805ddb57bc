import type { ForgePolicy } from "../../core/model/forge.ts";
import { mayAct, ROLES, type Role } from "../../core/model/role.ts";
import type { Forge } from "../../ports/forge.ts";

/** Who may command, asked of the rules in force and of the forge at the time. One for each look at the comments: rights that were heard before are not relied on. */
export interface Entitlement {
  /** Named with a role by the account itself: known without asking. */
  isNamed(login: string): boolean;
  /** Null: may. Otherwise a sentence. */
  refusal(login: string, needed: Role, signal: AbortSignal): Promise<string | null>;
  /** Whether anybody may command at all. */
  readonly declared: boolean;
  /** Questions about membership so far. */
  asked(): number;
}

export function entitlementOf(forge: Forge, { roles = {} }: ForgePolicy): Entitlement {
  const heard = new Map<string, boolean>();
  let asked = 0;

  const named = (role: Role, login: string): boolean =>
    roles[role]?.people.some((one) => one.toLowerCase() === login.toLowerCase()) === true;

  async function isMember(team: string, login: string, signal: AbortSignal): Promise<boolean> {
    const key = `${team} ${login.toLowerCase()}`;
    const before = heard.get(key);
    if (before !== undefined) return before;
    asked += 1;
    const member = await forge.isTeamMember(team, login, signal);
    heard.set(key, member);
    return member;
  }

  return {
    declared: Object.keys(roles).length > 0,
    asked: () => asked,
    isNamed: (login) => ROLES.some((role) => named(role, login)),
    async refusal(login, needed, signal) {
      const enough = ROLES.filter((role) => mayAct(role, needed));
      if (enough.some((role) => named(role, login))) return null;
      const teams = new Set(enough.flatMap((role) => roles[role]?.teams ?? []));
      for (const team of teams) if (await isMember(team, login, signal)) return null;
      return Object.keys(roles).length === 0
        ? "nobody may command here: name people under `spec.forge.roles` of fleet.yaml, for example `approver: {people: [ann]}`"
        : `${login} may not: it takes the role ${needed} or more, which \`spec.forge.roles\` of fleet.yaml gives`;
    },
  };
}
