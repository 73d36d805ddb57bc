import type { CheckHold } from "../model/verdict.ts";

/** `shut in as user 2147418113, no network, checkout read-only, 2048 MiB a process, 512 processes (prlimit); nothing of it is left` */
export function checkHoldText({ kind, user, network, writes, limits, hit, death }: CheckHold): string {
  const how =
    kind === "sandbox"
      ? [
          `shut in${user === null ? "" : ` as user ${user}`}`,
          network ? "the machine's network" : "no network",
          writes ? "a copy of the checkout" : "checkout read-only",
        ]
      : [`**not shut in** (${kind}): it could read and reach what the controller can`];
  if (limits !== null) {
    const processes = limits.processes === null ? "processes not limited" : `${limits.processes} processes`;
    how.push(
      `${limits.memoryMbEach} MiB a process, ${processes}, ${limits.fileMb} MiB a file (${limits.by})`,
    );
  }
  if (hit.length > 0) how.push(`ended by its limit of ${hit.join(" and ")}`);
  const end = death === "proven" ? "nothing of it is left" : "**unproven** whether something of it is left";
  return `${how.join(", ")}; ${end}`;
}
