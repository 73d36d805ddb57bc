/** What `emulate` lacks of people's talk: the comments of a whole repository, and reactions to them. */
import { type Answer, type Json, json, loginOf, type Seen } from "./proxy.ts";
import type { Reaction } from "./stand-in.ts";

export interface Talk {
  /** Null: it is about something else. */
  answerTo(seen: Seen): Promise<Answer | null>;
  reactionsTo(comment: number): readonly Reaction[];
}

export function createTalk(list: (path: string, seen: Seen) => Promise<Json[]>): Talk {
  const reactions = new Map<number, Reaction[]>();

  /** Of all issues and pull requests, which `emulate` takes for an issue of that name. */
  async function commentsOf(at: string, seen: Seen): Promise<Answer> {
    const all = "?state=all&per_page=100";
    const found: Json[] = [];
    for (const { number } of [
      ...(await list(`${at}/issues${all}`, seen)),
      ...(await list(`${at}/pulls${all}`, seen)),
    ])
      found.push(...(await list(`${at}/issues/${String(number)}/comments?per_page=100`, seen)));
    const since = seen.query.get("since") ?? "";
    const text = (one: Json, field: string): string => String(one[field]);
    const wanted = found
      .filter((one) => text(one, "updated_at") >= since)
      .sort(
        (a, b) =>
          text(a, "updated_at").localeCompare(text(b, "updated_at")) || Number(a["id"]) - Number(b["id"]),
      );
    const [page, size] = [Number(seen.query.get("page") ?? 1), Number(seen.query.get("per_page") ?? 30)];
    return json(200, wanted.slice((page - 1) * size, page * size));
  }

  /** One of each kind for each account. */
  function addReaction(comment: number, seen: Seen): Answer {
    const { content } = JSON.parse(seen.body) as { content: string };
    const login = loginOf(seen);
    const known = reactions.get(comment) ?? [];
    const before = known.find((one) => one.content === content && one.login === login);
    if (before === undefined) reactions.set(comment, [...known, { content, login }]);
    return json(before === undefined ? 201 : 200, { id: 1, content, user: { login } });
  }

  return {
    async answerTo(seen) {
      const { method, path } = seen;
      const [, at] = /^(.*)\/issues\/comments$/.exec(path) ?? [];
      if (method === "GET" && at !== undefined) return commentsOf(at, seen);
      const [, comment] = /\/issues\/comments\/(\d+)\/reactions$/.exec(path) ?? [];
      return method === "POST" && comment !== undefined ? addReaction(Number(comment), seen) : null;
    },
    reactionsTo: (comment) => reactions.get(comment) ?? [],
  };
}
