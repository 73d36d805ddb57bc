/** The people of the demo, on a forge that stands in for GitHub: what they do there, and what they read. */
import { BOT, OWNER, openStandIn, REPOSITORY, type StandIn } from "../support/forge/stand-in.ts";
import { openOrigin } from "../support/git.ts";

export interface Written {
  readonly number: number;
  readonly title: string;
  readonly state: string;
  readonly body: string | null;
  readonly user: { readonly login: string };
  readonly merged_at: string | null;
  readonly head: { readonly ref: string; readonly sha: string };
}

export interface DemoForge {
  readonly standIn: StandIn;
  /** Of the controller. */
  readonly token: string;
  pulls(): Promise<readonly Written[]>;
  /** The check `factory` of a commit, once it is over. */
  check(commit: string): Promise<{ readonly title: string; readonly passed: boolean } | null>;
  /** The controller's comment on a pull request. */
  plan(number: number): Promise<string | null>;
  /** Approved and merged by Ben. Answers with the commit that came of it. */
  accept(number: number): Promise<string>;
  close(): Promise<void>;
}

const AT = `/repos/${OWNER}/${REPOSITORY}`;

/** Of a bare repository. Nobody else than this machine reaches it. */
export async function openDemoForge(origin: string): Promise<DemoForge> {
  const standIn = await openStandIn({ origin: openOrigin(origin) });
  return {
    standIn,
    token: standIn.tokenOf(BOT),
    async pulls() {
      const found = await standIn.ask<readonly Written[]>(OWNER, "GET", `${AT}/pulls?state=all&per_page=100`);
      return [...found].sort((a, b) => a.number - b.number);
    },
    async check(commit) {
      const check = (await standIn.checks(commit)).find(({ name }) => name === "factory");
      if (check === undefined || check.status !== "completed") return null;
      return { title: check.output.title, passed: check.conclusion === "success" };
    },
    async plan(number) {
      const found = (await standIn.comments(number)).find(
        ({ user, body }) => user.login === BOT && body.includes("<!-- factory:review "),
      );
      return found?.body ?? null;
    },
    async accept(number) {
      await standIn.review("ben", number, "APPROVE");
      return standIn.merge("ben", number);
    },
    close: () => standIn.close(),
  };
}
