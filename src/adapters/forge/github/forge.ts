import type { ForgePolicy } from "../../../core/model/forge.ts";
import { HOUR_MS } from "../../../core/model/time.ts";
import type { SteadyClock } from "../../../ports/clock.ts";
import type { Forge } from "../../../ports/forge.ts";
import type { Secrets } from "../../../ports/secrets.ts";
import { ensureCheckRun } from "./checks.ts";
import { commentsSince } from "./comment-list.ts";
import { ensureComment } from "./comments.ts";
import { createConnection } from "./connection.ts";
import { readDelivery } from "./delivery.ts";
import { isForbidden } from "./errors.ts";
import { ensureIssue, issueByNumber } from "./issues.ts";
import { ensureLabels } from "./labels.ts";
import { queuedCommits } from "./merge-queue.ts";
import { closeOwnPull, ensureOwnPull, ownPull } from "./own-pulls.ts";
import { fileUrl } from "./pages.ts";
import { isTeamMember, permissionOf } from "./people.ts";
import { committersOf, openPulls, pullByNumber, pullsOf, reviewsOf } from "./pulls.ts";
import { ensureReaction } from "./reactions.ts";
import { ensureStatus } from "./statuses.ts";

export interface GitHubOptions {
  readonly policy: ForgePolicy;
  /** For what `fleet.yaml` itself refers to. */
  readonly secrets: Secrets;
  readonly clock: SteadyClock;
}

/** After a credential was told that it may write no checks, or no labels: rights are given while we run, too. */
const RIGHTS_AGAIN_MS = HOUR_MS;

/** GitHub, or a GitHub Enterprise server. Opening touches nothing outside. */
export function createGitHub({ policy, secrets, clock }: GitHubOptions): Forge {
  const connection = createConnection({ policy, secrets, clock });
  let noChecksUntil = Number.NEGATIVE_INFINITY;
  let noLabelsUntil = Number.NEGATIVE_INFINITY;

  return {
    name: `${policy.type} ${policy.owner}/${policy.repository}`,
    identity: (signal) => connection.login(signal),
    openPulls: (base, signal) => openPulls(connection, base, signal),
    pull: (number, signal) => pullByNumber(connection, number, signal),
    pullsOf: (commit, signal) => pullsOf(connection, commit, signal),
    committers: (number, signal) => committersOf(connection, number, signal),
    reviews: (number, signal) => reviewsOf(connection, number, signal),
    queued: (base, signal) => queuedCommits(connection, base, signal),
    ensureComment: (comment, signal) => ensureComment(connection, comment, signal),
    async ensureCheck(check, signal) {
      if (clock.monotonic() < noChecksUntil) return ensureStatus(connection, check, signal);
      try {
        return await ensureCheckRun(connection, check, signal);
      } catch (error) {
        if (!isForbidden(error)) throw error;
        noChecksUntil = clock.monotonic() + RIGHTS_AGAIN_MS;
        return ensureStatus(connection, check, signal);
      }
    },
    issue: (number, signal) => issueByNumber(connection, number, signal),
    ensureIssue: (issue, signal) => ensureIssue(connection, issue, signal),
    ownPull: (branch, signal) => ownPull(connection, branch, signal),
    ensurePull: (pull, signal) => ensureOwnPull(connection, pull, signal),
    closePull: (branch, signal) => closeOwnPull(connection, branch, signal),
    async ensureLabels(labels, signal) {
      if (clock.monotonic() < noLabelsUntil) return { did: "unchanged" };
      try {
        return await ensureLabels(connection, labels, signal);
      } catch (error) {
        if (!isForbidden(error)) throw error;
        noLabelsUntil = clock.monotonic() + RIGHTS_AGAIN_MS;
        return { did: "unchanged" };
      }
    },
    fileUrl: (commit, path) => fileUrl(policy, commit, path),
    permission: (login, signal) => permissionOf(connection, login, signal),
    isTeamMember: (team, login, signal) => isTeamMember(connection, { team, login }, signal),
    readDelivery: (delivery, signal) =>
      readDelivery({ policy, secrets, login: connection.knownLogin() }, delivery, signal),
    budget: () => connection.budget(),
    commentsSince: (since, signal) => commentsSince(connection, since, signal),
    ensureReaction: (reaction, signal) => ensureReaction(connection, reaction, signal),
  };
}
