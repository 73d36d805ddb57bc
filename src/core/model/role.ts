/**
 * What a person's token is good for; each may do what the ones before it may. `viewer` looks. `operator` starts looks at
 * the source, stops, pauses and resumes. `approver` answers questions, judges and signs off. `admin` says who may do what.
 */
export const ROLES = ["viewer", "operator", "approver", "admin"] as const;
export type Role = (typeof ROLES)[number];

export function mayAct(role: Role, needed: Role): boolean {
  return ROLES.indexOf(role) >= ROLES.indexOf(needed);
}
