/**
 * Who did something. Events and states say it in this shape wherever it decides anything: who may approve, what counts
 * as an intervention by hand, how steep a kill begins. People read `actorText`; nothing compares that text.
 */

export type Actor =
  /** Somebody whom a forge has identified, or who signed a commit. */
  | {
      readonly type: "person";
      readonly name: string;
      /** Account on the forge, as the forge spells it. */
      readonly login?: string;
      readonly email?: string;
      /** Address of the comment in which they said it. Tells where to look, and not who it was. */
      readonly via?: string;
    }
  /** Whoever holds an operator token. `proven`: the token is that person's alone; absent: several share it, and the name is what they said. */
  | { readonly type: "operator"; readonly name: string; readonly proven?: true }
  /** One instance of a clone, known by its own token. Null: the record does not say which. */
  | { readonly type: "instance"; readonly clone: string; readonly epoch: number | null }
  /** The controller itself: which part of it. */
  | { readonly type: "controller"; readonly part: ControllerPart }
  /** A file of the fleet repository. Null: the record does not say at which commit. */
  | { readonly type: "repository"; readonly commit: string | null };

/** Parts of the controller that act without being asked. `supervisor`: the life of a clone, by its clock and its reports. */
export const CONTROLLER_PARTS = [
  "supervisor",
  "kill-switch",
  "guardrails",
  "rollouts",
  "drills",
  "notices",
  "record",
  "in-core",
  "threads",
] as const;
export type ControllerPart = (typeof CONTROLLER_PARTS)[number];

export const SUPERVISOR: Actor = { type: "controller", part: "supervisor" };

export function operator(name: string): Actor {
  return { type: "operator", name };
}

/** The one whose own token it was. */
export function namedOperator(name: string): Actor {
  return { type: "operator", name, proven: true };
}

/** Whether the name is more than what somebody said of themselves: a token of their own, or an account on a forge. */
export function isProven(actor: Actor): boolean {
  return actor.type === "operator"
    ? actor.proven === true
    : actor.type !== "person" || actor.login !== undefined;
}

export function controllerPart(part: ControllerPart): Actor {
  return { type: "controller", part };
}

export function repositoryAt(commit: string | null): Actor {
  return { type: "repository", commit };
}

/** A person's own doing: theirs count as interventions by hand, and only they approve. */
export function isHuman(actor: Actor): actor is Extract<Actor, { type: "person" | "operator" }> {
  return actor.type === "person" || actor.type === "operator";
}

export function isControllerPart(actor: Actor, part: ControllerPart): boolean {
  return actor.type === "controller" && actor.part === part;
}

/**
 * The names that stand for a person in `approvers` of `fleet.yaml`: the name of an operator token, or the forge login
 * of a person. A display name and an e-mail address are claims that nobody checked, so they are not among
 * them. Empty for everything that is no person.
 */
export function provenNames(actor: Actor): readonly string[] {
  if (actor.type === "operator") return [actor.name];
  return actor.type === "person" && actor.login !== undefined ? [actor.login] : [];
}

/**
 * Whether both may be one and the same. It errs towards yes: a name, a login, an address or a clone's name in common is
 * enough, because the question is asked to keep everybody from approving their own requests. Two names that came with
 * one shared token are told apart by what was said, which proves nothing; whoever relies on it says so.
 */
export function mayBeSame(a: Actor, b: Actor): boolean {
  // Whoever has a token of their own can have used the shared one under any name.
  if (a.type === "operator" && b.type === "operator" && isProven(a) !== isProven(b)) return true;
  const names = claimedNames(a);
  if (names.length === 0) return actorText(a) === actorText(b);
  return claimedNames(b).some((name) => names.includes(name));
}

function claimedNames(actor: Actor): readonly string[] {
  switch (actor.type) {
    case "operator":
      return [actor.name.toLowerCase()];
    case "person":
      return [actor.name, actor.login, actor.email].flatMap((name) =>
        name === undefined ? [] : [name.toLowerCase()],
      );
    case "instance":
      return [actor.clone.toLowerCase()];
    default:
      return [];
  }
}

/**
 * One text for each actor: `operator:ann`, `person:Ann Lee @ann <ann@example.org>`, `person:ann @ann (<address of a comment>)`,
 * `instance:scribe/3`, `supervisor`, `repository:<commit>`. `parseActor` reads it back.
 */
export function actorText(actor: Actor): string {
  switch (actor.type) {
    case "person": {
      const login = actor.login === undefined ? "" : ` @${actor.login}`;
      const email = actor.email === undefined ? "" : ` <${actor.email}>`;
      const via = actor.via === undefined ? "" : ` (${actor.via})`;
      return `person:${actor.name}${login}${email}${via}`;
    }
    case "operator":
      return `operator:${actor.name}`;
    case "instance":
      return `instance:${instanceName(actor)}`;
    case "controller":
      return actor.part;
    case "repository":
      return actor.commit === null ? "repository" : `repository:${actor.commit}`;
  }
}

/** Who, and not where they said it: what belongs to somebody is theirs from wherever they come. */
export function ownerText(actor: Actor): string {
  if (actor.type !== "person") return actorText(actor);
  const { via: _via, ...person } = actor;
  return actorText(person);
}

/** For sentences: the name alone, where it says enough. */
export function shortName(actor: Actor): string {
  switch (actor.type) {
    case "person":
      return actor.login ?? actor.name;
    case "operator":
      return actor.name;
    case "instance":
      return instanceName(actor);
    case "controller":
      return actor.part;
    case "repository":
      return actor.commit === null ? "repository" : `repository at ${actor.commit.slice(0, 12)}`;
  }
}

function instanceName({ clone, epoch }: Extract<Actor, { type: "instance" }>): string {
  return epoch === null ? clone : `${clone}/${epoch}`;
}

/** Reads what `actorText` writes; null for everything else. */
export function parseActor(text: string): Actor | null {
  if (text === "repository") return repositoryAt(null);
  const part = CONTROLLER_PARTS.find((known) => known === text);
  if (part !== undefined) return controllerPart(part);
  const at = text.indexOf(":");
  const rest = text.slice(at + 1);
  switch (at < 0 ? "" : text.slice(0, at)) {
    case "person":
      return parsePerson(rest);
    case "operator":
      return rest === "" ? null : operator(rest);
    case "instance": {
      const [, clone, epoch] = /^([^/\s]+)(?:\/([1-9]\d{0,14}))?$/.exec(rest) ?? [];
      return clone === undefined
        ? null
        : { type: "instance", clone, epoch: epoch === undefined ? null : Number(epoch) };
    }
    case "repository":
      return /^[0-9a-f]{7,64}$/.test(rest) ? repositoryAt(rest) : null;
    default:
      return null;
  }
}

function parsePerson(text: string): Actor | null {
  const [, name, login, email, via] = PERSON.exec(text) ?? [];
  if (name === undefined) return null;
  return {
    type: "person",
    name,
    ...(login === undefined ? {} : { login }),
    ...(email === undefined ? {} : { email }),
    ...(via === undefined ? {} : { via }),
  };
}

/** A name has none of the signs that begin a login or an address. */
const PERSON =
  /^([^@<>\s]+(?: [^@<>\s]+)*?)(?: @([^@<>\s]+))?(?: <([^<>\s]+)>)?(?: \((https?:\/\/[^()<>\s]+)\))?$/;

/** Whether a stored or received value has the shape of an actor. */
export function isActor(value: unknown): value is Actor {
  if (typeof value !== "object" || value === null) return false;
  const said = value as Readonly<Record<string, unknown>>;
  switch (said["type"]) {
    case "person":
      return isText(said["name"]) && ["login", "email", "via"].every((field) => isTextOrAbsent(said[field]));
    case "operator":
      return isText(said["name"]) && (said["proven"] === undefined || said["proven"] === true);
    case "instance":
      return isText(said["clone"]) && (said["epoch"] === null || typeof said["epoch"] === "number");
    case "controller":
      return CONTROLLER_PARTS.some((part) => part === said["part"]);
    case "repository":
      return said["commit"] === null || isText(said["commit"]);
    default:
      return false;
  }
}

function isText(value: unknown): boolean {
  return typeof value === "string" && value !== "";
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || isText(value);
}

/**
 * An actor from a record in which it was still a text: `operator:ann`, `supervisor`, `repository`, `kill-switch`,
 * `in_core`, or a bare name. What is an actor already comes out as it went in.
 */
export function upgradeActor(stored: Actor | string): Actor {
  if (typeof stored !== "string") return stored;
  const known = parseActor(stored);
  if (known !== null) return known;
  if (stored === "in_core") return controllerPart("in-core");
  return { type: "person", name: stored === "" ? "unknown" : stored };
}
