/** The walk-through, step by step: what a person does, and what the world must look like then. */
import { BOT, type Check, type Comment, OWNER, REPOSITORY } from "../forge/stand-in.ts";
import { BUDGET, CLONE, MISSION, MISSION_FILE, proposal } from "./fleet.ts";
import type { Walk } from "./walk.ts";

/** Something that a person sees. */
export interface Shown {
  /** Where: `The check`, `factory why pay-invoice`. */
  readonly title: string;
  readonly as: "markdown" | "text";
  readonly text: string;
}

export interface Step {
  readonly heading: string;
  /** What is done and what comes of it, for the page. */
  readonly text: string;
  /** Of what `seen` answers, in this order. */
  readonly shows: readonly string[];
  /** By people on the forge. Needs no controller that lives. */
  act(walk: Walk): Promise<void>;
  /** Waits until the world is as it must be, whatever becomes of controllers meanwhile. */
  seen(walk: Walk): Promise<readonly Shown[]>;
}

const BRANCH = MISSION;
const TITLE = "Pay invoice 7";
const AT = `/repos/${OWNER}/${REPOSITORY}`;
const RAISE = `It is worth it.\n\n/raise-budget max_cost_usd=${BUDGET.raisedTo}`;

const propose: Step = {
  heading: "A mission is proposed",
  text: `Ann writes a mission and the clone that is to carry it out, pushes them to a branch and opens a pull request. She has misspelt a field. The check \`factory\` fails, with a note at the line, and a comment says what is wrong and that nothing would start.`,
  shows: ["The check", "At the line"],
  async act(walk) {
    const parent = await walk.origin.head();
    await walk.standIn.push(BRANCH, proposal({ folder: walk.folder, faulty: true }), {
      parent,
      message: TITLE,
    });
    const number = await walk.standIn.openPull("ann", BRANCH, TITLE);
    walk.numbers.set("proposal", number);
    await walk.webhook("pull_request", { action: "opened", pull_request: { number } });
  },
  async seen(walk) {
    const check = await checkOf(walk, BRANCH, "failure");
    await commentOf(walk, (body) => body.includes("objektive"));
    const notes = await walk.standIn.annotations(check.id);
    return [
      { title: "The check", as: "text", text: `✗ ${check.name}: ${check.output.title}` },
      {
        title: "At the line",
        as: "text",
        text: notes
          .filter(({ path }) => path === MISSION_FILE)
          .map(({ path, start_line: line, message }) => `${path}:${line}\n  ${message}`)
          .join("\n"),
      },
    ];
  },
};

const mend: Step = {
  heading: "It is mended, and there is a plan",
  text: "Ann pushes another commit. The check of that commit passes, and the same comment now says what a merge would do: what starts, what it may do, what it may cost, and who has to approve.",
  shows: ["The check", "The comment"],
  async act(walk) {
    const files = proposal({ folder: walk.folder, faulty: false });
    await walk.standIn.push(BRANCH, files, { message: "Spell it right" });
    const number = walk.numbers.get("proposal");
    await walk.webhook("pull_request", { action: "synchronize", pull_request: { number } });
  },
  async seen(walk) {
    const check = await checkOf(walk, BRANCH, "success");
    const comment = await commentOf(walk, (body) => !body.includes("objektive"));
    return [
      { title: "The check", as: "text", text: `✓ ${check.name}: ${check.output.title}` },
      { title: "The comment", as: "markdown", text: comment.body },
    ];
  },
};

const approve: Step = {
  heading: "It is approved and merged, and starts",
  text: "Ben has read the plan, approves the pull request and merges it. The controller asks the forge who has approved what it obeys, and starts the clone; every gate that it passed is on record.",
  shows: ["`factory why pay-invoice`"],
  async act(walk) {
    const number = walk.numbers.get("proposal") ?? 0;
    await walk.standIn.review("ben", number, "APPROVE");
    await walk.webhook("pull_request_review", { action: "submitted", pull_request: { number } });
    await walk.standIn.merge("ben", number, "squash");
    await walk.webhook("push", { ref: "refs/heads/main" });
  },
  async seen(walk) {
    await walk.until(
      `${MISSION} to begin`,
      () => walk.lines("world.txt"),
      (lines) => lines.length > 0,
    );
    const why = await walk.until(
      "the reasons",
      () => walk.factory("why", MISSION),
      (text) => text.includes("approved by ben") && text.includes("MissionAccepted"),
    );
    return [{ title: "`factory why pay-invoice`", as: "text", text: `${why.split("\nSet by\n")[0]}\n…` }];
  },
};

const ask: Step = {
  heading: "It asks for more money",
  text: `At ${BUDGET.pausePercent} percent of its ${BUDGET.maxCostUsd} USD the agent is paused where it is, and an issue asks: what was spent, since when it waits, and the commands that answer. \`factory inbox\` asks the same.`,
  shows: ["The issue", "`factory inbox`"],
  async act() {},
  async seen(walk) {
    const issue = await walk.until(
      "the issue",
      async () => (await issuesOf(walk))[0] ?? null,
      ({ state, body }) => state === "open" && body.includes("/raise-budget"),
    );
    walk.numbers.set("question", issue.number);
    const inbox = await walk.until(
      "the question",
      () => walk.factory("inbox"),
      (text) => text.includes(`${MISSION}.budget.1`),
    );
    return [
      { title: "The issue", as: "markdown", text: `# ${issue.title}\n\n${issue.body}` },
      { title: "`factory inbox`", as: "text", text: inbox },
    ];
  },
};

/** The forge tells no more of a comment's time than its second: one of the second in which the question came up may have been written before it. */
const LATER_MS = 2_100;

const raise: Step = {
  heading: "A comment raises the limit, and it goes on",
  text: "Ben, whom `forge.roles` names as an approver, answers in the issue. The controller does what the comment says, once, and answers it. The same agent goes on where it was. An issue is closed when nothing of its mission waits any more.",
  shows: ["Ben writes", "The answer"],
  act: sayRaise,
  async seen(walk) {
    const number = walk.numbers.get("question") ?? 0;
    const answer = await walk.until(
      "the answer",
      async () => {
        const mark = `factory:answer/${walk.numbers.get("command")} `;
        const found = (await walk.standIn.comments(number)).find(({ body }) => body.includes(mark)) ?? null;
        // A controller that died before it had taken note of its own question cannot know that Ben has read it, and says so.
        if (found?.body.includes("say it again") === true) await sayRaise(walk);
        return found;
      },
      // A controller that died between the deed and the answer is followed by one that knows only that it is done.
      ({ body }) => /`\/raise-budget [^`]*` done: /.test(body),
    );
    return [
      { title: "Ben writes", as: "markdown", text: RAISE },
      { title: "The answer", as: "markdown", text: answer.body },
    ];
  },
};

async function sayRaise(walk: Walk): Promise<void> {
  const number = walk.numbers.get("question") ?? 0;
  const asked = Date.now();
  await walk.until(
    "another second",
    () => Date.now(),
    (now) => now > asked + LATER_MS,
  );
  const { id } = await walk.standIn.ask<{ id: number }>("ben", "POST", `${AT}/issues/${number}/comments`, {
    body: RAISE,
  });
  walk.numbers.set("command", id);
  await walk.webhook("issue_comment", { action: "created", issue: { number }, comment: { id } });
}

const closure: Step = {
  heading: "It is over, and a pull request asks what becomes of the clone",
  text: "The mission hands in what it was asked for and is judged. The controller proposes what becomes of the clone: one line of its file, with the verdict, the evidence for each criterion, what was done outside and what it cost.",
  shows: ["The pull request", "Its difference"],
  async act() {},
  async seen(walk) {
    const pull = await walk.until(
      "the closure's pull request",
      async () => (await closuresOf(walk))[0] ?? null,
      ({ body }) => body.includes("/blob/"),
    );
    walk.numbers.set("closure", pull.number);
    await checkOf(walk, pull.head.ref, "success");
    const difference = await walk.origin.git("diff", "main", pull.head.ref);
    return [
      { title: "The pull request", as: "markdown", text: `# ${pull.title}\n\n${pull.body}` },
      { title: "Its difference", as: "text", text: difference },
    ];
  },
};

const retire: Step = {
  heading: "It is merged, and the clone is retired",
  text: "Ben approves and merges. What is merged is decided: the clone is put away, the issue is closed, and the report on the status branch says who decided it, for everybody who has the repository and nothing else.",
  shows: [`\`git show factory/status:missions/${MISSION}/closure.md\``],
  async act(walk) {
    const number = walk.numbers.get("closure") ?? 0;
    await walk.standIn.review("ben", number, "APPROVE");
    await walk.standIn.merge("ben", number, "squash");
    await walk.webhook("push", { ref: "refs/heads/main" });
  },
  async seen(walk) {
    await walk.until(
      `${CLONE} to be retired`,
      () => walk.client().call("clone", { name: CLONE }),
      ({ phase }) => phase === "Retired",
    );
    await walk.until(
      "the issue to be closed: nothing waits any more",
      async () => (await issuesOf(walk))[0] ?? null,
      ({ state }) => state === "closed",
    );
    const text = await walk.until(
      "the closure report",
      () => walk.world.status(`missions/${MISSION}/closure.md`),
      (found) => found.includes("**ACCEPTED**") && /^\| Decision \| retire/m.test(found),
    );
    return [{ title: retire.shows[0] ?? "", as: "markdown", text }];
  },
};

export const STEPS: readonly Step[] = [propose, mend, approve, ask, raise, closure, retire];

interface Written {
  readonly number: number;
  readonly title: string;
  readonly body: string;
  readonly state: string;
  readonly user: { readonly login: string };
  readonly head: { readonly ref: string };
  readonly pull_request?: object;
}

/** Ours that are no pull requests. */
async function issuesOf(walk: Walk): Promise<readonly Written[]> {
  const all = await walk.standIn.ask<readonly Written[]>(OWNER, "GET", `${AT}/issues?state=all&per_page=100`);
  return all.filter((one) => one.pull_request === undefined && one.user.login === BOT);
}

async function closuresOf(walk: Walk): Promise<readonly Written[]> {
  const all = await walk.standIn.ask<readonly Written[]>(OWNER, "GET", `${AT}/pulls?state=all&per_page=100`);
  return all.filter(({ user, head }) => user.login === BOT && head.ref.startsWith("factory/closure/"));
}

/** The newest check of ours on a branch, once it is over. */
async function checkOf(walk: Walk, branch: string, conclusion: string): Promise<Check> {
  return walk.until(
    `the check of ${branch} to be ${conclusion}`,
    async () => {
      const commit = (await walk.origin.head(branch)) ?? "";
      const checks = await walk.standIn.checks(commit);
      return checks.find(({ name }) => name === "factory") ?? null;
    },
    (check) => check.status === "completed" && check.conclusion === conclusion,
  );
}

async function commentOf(walk: Walk, holds: (body: string) => boolean): Promise<Comment> {
  const number = walk.numbers.get("proposal") ?? 0;
  return walk.until(
    `the comment of #${number}`,
    async () => (await walk.standIn.comments(number))[0] ?? null,
    ({ body }) => holds(body),
  );
}
