/** Issues and comments of a forge in memory, as people and we write them; every request of ours can be cut off. */
import { FactoryError } from "../../../src/core/model/error.ts";
import type { EnsuredIssue, Forge, ForgeComment, IssueWanted } from "../../../src/ports/forge.ts";
import { createFakeForge } from "./fake-forge.ts";

export interface FakeTalk {
  readonly forge: Forge;
  /** Logins by team. */
  readonly teams: Map<string, string[]>;
  readonly issues: readonly TalkIssue[];
  /** Answers with its id. */
  write(author: string, on: number, body: string, change?: Partial<ForgeComment>): number;
  edit(id: number, body: string): void;
  remove(id: number): void;
  /** Our answers to a comment. */
  answersTo(comment: number): readonly string[];
  reactionsTo(comment: number): readonly string[];
  /** What we wrote on an issue, in order. */
  said(on: number): readonly string[];
  /** Seconds pass, by the forge's clock. */
  pass(seconds?: number): void;
  now(): number;
  /**
   * Cuts off the request of this number, counted from now on: before it is done, or after, so that its answer is lost. Null: none.
   */
  cut(at: { readonly request: number; readonly done: boolean } | null): void;
  /** Requests since `cut` was called. */
  requests(): number;
  /** Comments that one list holds. */
  pageSize: number;
}

export interface TalkIssue {
  readonly number: number;
  readonly wanted: IssueWanted;
  readonly changedAt: number;
}

interface OurComment {
  readonly on: number;
  readonly marker: string;
  readonly body: string;
}

export const US = "factory-bot";

export function createFakeTalk(start: number): FakeTalk {
  const base = createFakeForge();
  const issues: TalkIssue[] = [];
  const comments: ForgeComment[] = [];
  const ours: OurComment[] = [];
  const reactions = new Map<number, string[]>();
  let now = Math.floor(start / 1_000) * 1_000;
  let lastId = 100;
  let cut: { readonly request: number; readonly done: boolean } | null = null;
  let requests = 0;

  async function asked<T>(give: () => T): Promise<T> {
    requests += 1;
    const cutOff = cut !== null && cut.request === requests ? cut : null;
    const lost = new FactoryError("forge/unreachable", "retry", "the connection was cut");
    if (cutOff !== null && !cutOff.done) throw lost;
    const given = give();
    if (cutOff !== null) throw lost;
    return given;
  }

  function ensureIssue(wanted: IssueWanted): EnsuredIssue {
    const index = issues.findIndex((issue) => issue.wanted.marker === wanted.marker);
    const found = issues[index];
    const answer = (did: EnsuredIssue["did"], { number, changedAt }: TalkIssue): EnsuredIssue => ({
      did,
      number,
      changedAt,
      url: `https://forge.example/issues/${number}`,
    });
    const same =
      found !== undefined &&
      found.wanted.title === wanted.title &&
      found.wanted.state === wanted.state &&
      (found.wanted.key ?? found.wanted.body) === (wanted.key ?? wanted.body);
    if (same) return answer("unchanged", found);
    const number = found?.number ?? issues.length + 1;
    const next = { number, wanted, changedAt: now };
    if (found === undefined) issues.push(next);
    else issues[index] = next;
    return answer(found === undefined ? "created" : "updated", next);
  }

  const forge: Forge = {
    ...base,
    identity: async () => US,
    ensureIssue: (wanted) => asked(() => ensureIssue(wanted)),
    ensureComment: ({ on, marker, body }) =>
      asked(() => {
        const found = ours.find((one) => one.on === on && one.marker === marker);
        if (found === undefined) ours.push({ on, marker, body });
        return { did: found === undefined ? "created" : "unchanged", url: "" };
      }),
    ensureReaction: ({ comment, reaction }) =>
      asked(() => {
        const known = reactions.get(comment) ?? [];
        if (!known.includes(reaction)) reactions.set(comment, [...known, reaction]);
      }),
    isTeamMember: (team, login, signal) =>
      asked(() => null).then(() => base.isTeamMember(team, login, signal)),
    commentsSince: (since) =>
      asked(() => {
        const second = Math.floor(since / 1_000) * 1_000;
        const found = comments
          .filter(({ changedAt }) => changedAt >= second)
          .sort((a, b) => a.changedAt - b.changedAt || a.id - b.id);
        return { comments: found.slice(0, talk.pageSize), complete: found.length <= talk.pageSize };
      }),
  };

  const talk: FakeTalk = {
    forge,
    teams: base.teams,
    issues,
    pageSize: 1_000,
    write(author, on, body, change = {}) {
      lastId += 1;
      const id = lastId;
      comments.push({
        id,
        on,
        author,
        authorIs: "person",
        body,
        createdAt: now,
        changedAt: now,
        url: `https://forge.example/issues/${on}#issuecomment-${id}`,
        ...change,
      });
      return id;
    },
    edit(id, body) {
      const index = comments.findIndex((one) => one.id === id);
      comments[index] = { ...(comments[index] as ForgeComment), body, changedAt: now };
    },
    remove(id) {
      comments.splice(
        comments.findIndex((one) => one.id === id),
        1,
      );
    },
    answersTo: (comment) =>
      ours.filter(({ marker }) => marker === `answer/${comment}`).map(({ body }) => body),
    reactionsTo: (comment) => reactions.get(comment) ?? [],
    said: (on) => ours.filter((one) => one.on === on).map(({ body }) => body),
    pass(seconds = 2) {
      now += seconds * 1_000;
    },
    now: () => now,
    cut(at) {
      cut = at;
      requests = 0;
    },
    requests: () => requests,
  };
  return talk;
}
