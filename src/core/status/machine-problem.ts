/** What the controller's machine, or its share of it, keeps it from doing. */
import type { Instant } from "../model/time.ts";
import type { InboxItem } from "./view.ts";

export interface MachineProblem {
  readonly since: Instant;
  readonly message: string;
}

export interface MachineFacts {
  /** Somebody holds what this process needs for itself, or did a moment ago. */
  readonly descriptors: MachineProblem | null;
  /** Nobody knows what the file of the kill switch says. */
  readonly killSwitch: MachineProblem | null;
}

export function machineItems(facts: MachineFacts | undefined): readonly InboxItem[] {
  const items: InboxItem[] = [];
  const { descriptors = null, killSwitch = null } = facts ?? {};
  if (descriptors !== null)
    items.push({
      id: "machine/descriptors",
      severity: "critical",
      kind: "descriptors",
      subject: "machine",
      ...descriptors,
      answers: [
        "see whose connections they are: `ss -tnp`, `ss -xp`",
        "factory kill --now <the mission whose agent holds them>",
        "raise the limit of the controller (`LimitNOFILE=`, `ulimit -n`) and start it again",
      ],
    });
  if (killSwitch !== null)
    items.push({
      id: "machine/kill-switch",
      severity: "critical",
      kind: "kill_switch_unknown",
      subject: "kill switch",
      ...killSwitch,
      answers: ["factory kill --all", "factory doctor"],
    });
  return items;
}
