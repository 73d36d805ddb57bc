/** One suite for every forge: what is ensured is there once, whatever was lost on the way. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Annotation, CheckWanted, CommentWanted, Forge } from "../../src/ports/forge.ts";
import { BOT, OWNER, REPOSITORY, type StandIn } from "../support/forge/stand-in.ts";
import type { Origin } from "../support/git.ts";

export interface ForgeUnderTest {
  readonly forge: Forge;
  readonly standIn: StandIn;
  readonly origin: Origin;
  /** As after a restart of ours: nothing is remembered. */
  reopen(): Forge;
  dispose(): Promise<void>;
}

export interface ForgeContract {
  readonly name: string;
  newForge(): Promise<ForgeUnderTest>;
}

const never = new AbortController().signal;

export function forgeContract(contract: ForgeContract): void {
  describe(`forge contract: ${contract.name}`, () => {
    let world: ForgeUnderTest;
    let number: number;
    let head: string;
    beforeEach(async () => {
      world = await contract.newForge();
      await world.standIn.push("main", { "fleet.yaml": "a" });
      head = await world.standIn.push("topic", { "fleet.yaml": "b" }, { parent: await world.origin.head() });
      number = await world.standIn.openPull("ann", "topic");
    });
    afterEach(() => world.dispose());

    const comment = (change: Partial<CommentWanted> = {}): CommentWanted => ({
      on: number,
      marker: "review",
      key: "one",
      body: "It starts **one** mission.",
      ...change,
    });
    const check = (change: Partial<CheckWanted> = {}): CheckWanted => ({
      commit: head,
      name: "factory",
      conclusion: "failure",
      title: "2 errors",
      summary: "Two files have errors.",
      annotations: [annotation(3), annotation(7)],
      ...change,
    });
    const texts = async (): Promise<readonly string[]> =>
      (await world.standIn.comments(number)).map(({ body }) => body);
    const writes = (): number => world.standIn.requests.filter(({ method }) => method !== "GET").length;

    test("lists the open pull requests of a branch, with the commits that the origin has", async () => {
      const { pulls, complete } = await world.forge.openPulls("main", never);
      expect(complete).toBe(true);
      expect(pulls).toMatchObject([
        {
          number,
          state: "open",
          draft: false,
          author: "ann",
          title: "Change topic",
          fork: false,
          base: { branch: "main", commit: await world.origin.head() },
          head: { branch: "topic", commit: head, ref: `refs/pull/${number}/head` },
        },
      ]);
      expect((await world.forge.openPulls("other", never)).pulls).toEqual([]);
      expect(await world.forge.pull(number, never)).toEqual(pulls[0]);
      expect(await world.forge.pull(4_711, never)).toBeNull();
      expect(await world.origin.git("rev-parse", `refs/pull/${number}/head`)).toBe(head);
    });

    test("says who we are, and what others may do", async () => {
      expect(await world.forge.identity(never)).toBe(BOT);
      expect(await world.forge.permission("acme", never)).toBe("admin");
      expect(await world.forge.permission("ann", never)).toBe("write");
      expect(await world.forge.permission("nobody-of-this-name", never)).toBe("none");
      expect(await world.forge.isTeamMember("release", "ann", never)).toBe(false);
    });

    test("reads reviews with the commit that was reviewed", async () => {
      await world.standIn.ask("ben", "POST", `/repos/acme/fleet/pulls/${number}/reviews`, {
        event: "APPROVE",
        commit_id: head,
      });
      const [review, ...more] = await world.forge.reviews(number, never);
      expect(more).toEqual([]);
      expect(review).toMatchObject({ author: "ben", state: "approved" });
    });

    test("knows the pull request of a merged commit, and who made its commits", async () => {
      expect(await world.forge.pullsOf((await world.origin.head()) ?? "", never)).toEqual([]);
      expect(await world.forge.committers(number, never)).toEqual(["ann"]);
      const merged = await world.standIn.merge("acme", number, "squash");
      const [pull, ...more] = await world.forge.pullsOf(merged, never);
      expect(more).toEqual([]);
      expect(pull).toMatchObject({
        number,
        state: "merged",
        author: "ann",
        mergeCommit: merged,
        base: { branch: "main" },
        head: { commit: head, ref: `refs/pull/${number}/head` },
      });
      expect(await world.forge.committers(number, never)).toEqual(["ann"]);
    });

    test("a comment is made once, left alone while it says the same, and changed in place", async () => {
      expect((await world.forge.ensureComment(comment(), never)).did).toBe("created");
      expect((await world.forge.ensureComment(comment(), never)).did).toBe("unchanged");
      expect((await world.reopen().ensureComment(comment(), never)).did).toBe("unchanged");
      const before = await world.standIn.comments(number);
      expect(before).toHaveLength(1);
      const changed = comment({ key: "two", body: "It starts **two** missions." });
      expect((await world.forge.ensureComment(changed, never)).did).toBe("updated");
      const after = await world.standIn.comments(number);
      expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
      expect(after[0]?.body).toContain("It starts **two** missions.");
      expect(after[0]?.body).toMatch(/^<!-- factory:review /);
    });

    test("what others write with our marker is theirs, and what they make of ours is put right", async () => {
      const forged =
        "<!-- factory:review key=00000000000000000000000000000000 text=00000000000000000000000000000000 -->\nFree!";
      await world.standIn
        .ask("eve", "POST", `/repos/acme/fleet/issues/${number}/comments`, { body: forged })
        .catch(() =>
          world.standIn.ask("ann", "POST", `/repos/acme/fleet/issues/${number}/comments`, { body: forged }),
        );
      expect((await world.forge.ensureComment(comment(), never)).did).toBe("created");
      const [theirs, ours] = await world.standIn.comments(number);
      expect(theirs?.body).toBe(forged);
      await world.standIn.ask("acme", "PATCH", `/repos/acme/fleet/issues/comments/${ours?.id}`, {
        body: ours?.body.replace("one", "no"),
      });
      expect((await world.forge.ensureComment(comment(), never)).did).toBe("updated");
      expect((await texts())[1]).toContain("It starts **one** mission.");
    });

    test("an answer that is lost doubles nothing: the comment is found again", async () => {
      world.standIn.setFault(({ method, path }) =>
        method === "POST" && path.endsWith("/comments") ? { type: "lose-answer" } : null,
      );
      const lost = world.forge.ensureComment(comment(), never);
      await expect(lost).rejects.toMatchObject({ code: "forge/unreachable", disposition: "retry" });
      world.standIn.setFault(null);
      expect((await world.reopen().ensureComment(comment(), never)).did).toBe("unchanged");
      expect(await texts()).toHaveLength(1);
    });

    test("a comment that stands there twice is one again", async () => {
      await world.forge.ensureComment(comment(), never);
      const [body = ""] = await texts();
      await world.standIn.ask(BOT, "POST", `/repos/acme/fleet/issues/${number}/comments`, { body });
      await world.forge.ensureComment(comment(), never);
      expect(await texts()).toEqual([body]);
    });

    test("a check has its annotations on file and line, and is not written again while it says the same", async () => {
      expect(await world.forge.ensureCheck(check(), never)).toMatchObject({ did: "created", as: "check" });
      const made = writes();
      expect(await world.reopen().ensureCheck(check(), never)).toMatchObject({ did: "unchanged" });
      expect(writes()).toBe(made);
      const [run, ...others] = await world.standIn.checks(head);
      expect(others).toEqual([]);
      expect(run).toMatchObject({ name: "factory", status: "completed", conclusion: "failure" });
      expect(await world.standIn.annotations(run?.id ?? 0)).toMatchObject([
        { path: "missions/m.yaml", start_line: 3, annotation_level: "failure" },
        { path: "missions/m.yaml", start_line: 7, annotation_level: "failure" },
      ]);
    });

    test("more annotations than one request takes come in batches, and one that was cut off goes on", async () => {
      const many = check({ annotations: Array.from({ length: 120 }, (_, index) => annotation(index + 1)) });
      let patches = 0;
      world.standIn.setFault(({ method, path }) => {
        if (method !== "PATCH" || !path.includes("/check-runs/")) return null;
        patches += 1;
        return patches === 2 ? { type: "reset" } : null;
      });
      await expect(world.forge.ensureCheck(many, never)).rejects.toMatchObject({ code: "forge/unreachable" });
      expect((await world.standIn.checks(head))[0]).toMatchObject({ status: "in_progress" });
      world.standIn.setFault(null);
      await world.reopen().ensureCheck(many, never);
      const runs = await world.standIn.checks(head);
      expect(runs).toMatchObject([{ status: "completed", output: { annotations_count: 120 } }]);
    });

    test("a check that says something else takes the place of the one before", async () => {
      await world.forge.ensureCheck(check(), never);
      const fine = check({ conclusion: "success", title: "fine", annotations: [] });
      await world.forge.ensureCheck(fine, never);
      await world.forge.ensureCheck({ ...fine, title: "still fine" }, never);
      const runs = await world.standIn.checks(head);
      const newest = [...runs].sort((a, b) => b.id - a.id)[0];
      expect(newest).toMatchObject({ conclusion: "success", output: { title: "still fine" } });
      expect(runs.length).toBeLessThanOrEqual(2);
    });

    test("where checks may not be written, a status says it, once", async () => {
      world.standIn.setFault(({ method, path }) =>
        method === "POST" && path.endsWith("/check-runs") ? { type: "status", status: 403 } : null,
      );
      expect(await world.forge.ensureCheck(check(), never)).toMatchObject({ did: "created", as: "status" });
      expect(await world.forge.ensureCheck(check(), never)).toMatchObject({ did: "unchanged", as: "status" });
      expect(world.standIn.statuses(head)).toMatchObject([
        { context: "factory", state: "failure", description: "2 errors" },
      ]);
    });

    test("reads an issue of whoever wrote it, and takes a pull request for none", async () => {
      const asked = { title: "A mission", body: "### Name\r\n\r\nlinks" };
      const at = `/repos/${OWNER}/${REPOSITORY}/issues`;
      const made = await world.standIn.ask<{ number: number }>("eve", "POST", at, asked);
      expect(await world.forge.issue(made.number, never)).toEqual({
        ...asked,
        number: made.number,
        author: "eve",
        authorEmail: expect.stringMatching(/^\d+\+eve@users\.noreply\./),
        state: "open",
        url: expect.stringContaining(`/issues/${made.number}`),
      });
      expect(await world.forge.issue(number, never)).toBeNull();
      expect(await world.forge.issue(4_711, never)).toBeNull();
    });

    test("an issue is found by its marker, changed and closed", async () => {
      const wanted = {
        marker: "request/r1",
        title: "Budget of audit",
        body: "It asks for 2 USD more.",
        labels: ["factory"],
        state: "open",
      } as const;
      const made = await world.forge.ensureIssue(wanted, never);
      expect(made.did).toBe("created");
      expect(await world.reopen().ensureIssue(wanted, never)).toMatchObject({
        did: "unchanged",
        number: made.number,
      });
      const closed = await world.forge.ensureIssue({ ...wanted, state: "closed" }, never);
      expect(closed).toMatchObject({ did: "updated", number: made.number });
      const found = await world.standIn.ask<{ state: string }>(
        "acme",
        "GET",
        `/repos/acme/fleet/issues/${made.number}`,
      );
      expect(found.state).toBe("closed");
    });

    test("an issue that is known by its number is found at once, and one whose text somebody took away is put right", async () => {
      const wanted = {
        marker: "thread/0123456789abcdef",
        title: "Budget of audit",
        body: "It asks for 2 USD more.",
        key: "budget.1",
        labels: ["factory"],
        state: "open",
      } as const;
      const { number: made, changedAt } = await world.forge.ensureIssue(wanted, never);
      expect(changedAt % 1_000).toBe(0);
      world.standIn.forget();
      const known = { ...wanted, number: made };
      expect(await world.reopen().ensureIssue(known, never)).toMatchObject({ did: "unchanged" });
      expect(world.standIn.requests.filter(({ path }) => path.endsWith("/issues"))).toEqual([]);
      // What stands for the same is left alone, and what somebody made of it is not.
      const other = { ...known, body: "It asks for 3 USD more." };
      expect(await world.forge.ensureIssue(other, never)).toMatchObject({ did: "unchanged" });
      const path = `/repos/acme/fleet/issues/${made}`;
      await world.standIn.ask("acme", "PATCH", path, { body: "nothing to see" });
      expect(await world.forge.ensureIssue(known, never)).toMatchObject({ did: "updated", number: made });
      // Another one of ours under that number is not taken for it.
      const second = await world.forge.ensureIssue({ ...wanted, marker: "thread/other" }, never);
      const mixed = await world.forge.ensureIssue({ ...wanted, number: second.number }, never);
      expect(mixed).toMatchObject({ did: "unchanged", number: made });
    });

    test("reads what people wrote, wherever it stands, from a moment on", async () => {
      const { number: issue } = await world.forge.ensureIssue(
        { marker: "thread/one", title: "One", body: "One.", labels: [], state: "open" },
        never,
      );
      const first = await world.standIn.comment("ann", issue, "/kill audit");
      const second = await world.standIn.comment("ben", number, "/plan");
      const { comments, complete } = await world.forge.commentsSince(0, never);
      expect(complete).toBe(true);
      expect(comments).toMatchObject([
        { id: first, on: issue, author: "ann", authorIs: "person", body: "/kill audit" },
        { id: second, on: number, author: "ben", body: "/plan" },
      ]);
      expect(comments[0]?.createdAt).toBe(comments[0]?.changedAt);
      const now = comments[0]?.createdAt ?? 0;
      expect((await world.forge.commentsSince(now, never)).comments).toHaveLength(2);
      expect((await world.forge.commentsSince(now + 60_000, never)).comments).toEqual([]);
      await world.standIn.ask("acme", "DELETE", `/repos/acme/fleet/issues/comments/${first}`);
      expect((await world.forge.commentsSince(0, never)).comments.map(({ id }) => id)).toEqual([second]);
    });

    test("a reaction is there once, and one to a comment that is gone hurts nobody", async () => {
      const id = await world.standIn.comment("ann", number, "/plan");
      await world.forge.ensureReaction({ comment: id, reaction: "done" }, never);
      await world.forge.ensureReaction({ comment: id, reaction: "done" }, never);
      expect(world.standIn.reactions(id)).toEqual([{ content: "+1", login: BOT }]);
      world.standIn.setFault(() => ({ type: "status", status: 404 }));
      await world.forge.ensureReaction({ comment: 1, reaction: "done" }, never);
    });

    test("a comment that cannot be older than a moment is found among those since", async () => {
      const wanted = comment({ marker: "answer/1", since: Date.now() - 60_000 });
      expect((await world.forge.ensureComment(wanted, never)).did).toBe("created");
      expect((await world.reopen().ensureComment(wanted, never)).did).toBe("unchanged");
      expect(await texts()).toHaveLength(1);
    });

    test("what has not changed is not sent again", async () => {
      await world.forge.openPulls("main", never);
      world.standIn.forget();
      const again = await world.forge.openPulls("main", never);
      expect(again.pulls).toHaveLength(1);
      expect(world.standIn.requests.map(({ status }) => status)).toEqual([304]);
    });

    test.each([
      ["an answer of 502", { type: "status", status: 502 }, "forge/unreachable", "retry"],
      ["a connection that is cut", { type: "reset" }, "forge/unreachable", "retry"],
      ["a token that is refused", { type: "status", status: 401 }, "forge/refused", "stall"],
      ["rights that are missing", { type: "status", status: 403 }, "forge/refused", "stall"],
      ["a repository that is not there", { type: "status", status: 404 }, "forge/not-found", "stall"],
      ["a request that is not understood", { type: "status", status: 422 }, "forge/rejected", "stall"],
      [
        "a redirect",
        { type: "status", status: 301, headers: { location: "https://elsewhere.example/x" } },
        "forge/unreachable",
        "retry",
      ],
    ] as const)("%s says what to do next", async (_, fault, code, disposition) => {
      world.standIn.setFault(() => fault);
      await expect(world.forge.openPulls("main", never)).rejects.toMatchObject({ code, disposition });
      expect(world.standIn.requests).toHaveLength(1);
    });

    test("a limit is obeyed: nothing is asked before it is over, and its end is told", async () => {
      world.standIn.setFault(() => ({ type: "status", status: 429, headers: { "retry-after": "60" } }));
      const first = world.forge.openPulls("main", never);
      await expect(first).rejects.toMatchObject({ code: "forge/limited", disposition: "wait" });
      expect(world.forge.budget().pausedUntil).toBeGreaterThan(Date.now() + 50_000);
      world.standIn.setFault(null);
      await expect(world.forge.openPulls("main", never)).rejects.toMatchObject({ code: "forge/limited" });
      expect(world.standIn.requests).toHaveLength(1);
    });

    test("a call that is called off ends", async () => {
      world.standIn.setFault(() => ({ type: "hang" }));
      const calling = new AbortController();
      const hanging = world.forge.openPulls("main", calling.signal);
      setImmediate(() => calling.abort(new Error("enough")));
      await expect(hanging).rejects.toMatchObject({ code: "forge/unreachable" });
    });
  });
}

function annotation(line: number): Annotation {
  return { path: "missions/m.yaml", line, level: "failure", title: "UnknownField", message: `line ${line}` };
}
