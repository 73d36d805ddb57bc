/**
 * What the record keeps beside its chain, by key, each with the reason why it decides nothing about the fleet. What decides
 * anything is an event: it is on the chain, somebody did it, and it can be proven and rebuilt.
 */
export const SETTINGS = {
  status_pushes:
    "times of the newest pushes to the status branch: they say how soon the next one may follow, and nothing of what is published",
  fleet_lease:
    "by what this installation knows its own lease of the fleet repository again, and when it renewed it: who may act is what the status branch says",
  comments_read:
    "up to when comments on the forge were read: it saves asking for older ones again, and what was obeyed is known by receipts",
} as const;

export type SettingKey = keyof typeof SETTINGS;

export type SettingChanges = Readonly<Partial<Record<SettingKey, string | null>>>;
