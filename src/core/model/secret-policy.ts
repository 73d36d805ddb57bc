/** Which secrets a clone's file may name. `fleet.yaml` says so; what the controller needs for itself is never among them. */
import type { SecretRef } from "./clone.ts";

export interface SecretPolicy {
  /** Variables of the controller: names, or beginnings of names that end in `*`. */
  readonly env: readonly string[];
  /** Key file below the controller's `secrets/` that opens encrypted files of the repository. */
  readonly ageIdentity: string | null;
  /** Programs that look a secret up, by the name under which clones ask for them. */
  readonly commands: Readonly<Record<string, SecretCommand>>;
  /** What `fleet.yaml` itself refers to, for notices and the in-core lane: of no use to a clone but to speak in the fleet's name. */
  readonly own: { readonly env: readonly string[]; readonly files: readonly string[] };
}

export interface SecretCommand {
  /** One of the arguments is `{ref}`, and stands for the reference. */
  readonly run: readonly [string, ...string[]];
  readonly timeoutMs: number;
  /** Variables of the controller that it gets besides PATH and HOME. */
  readonly env: readonly string[];
}

export const NO_SECRETS: SecretPolicy = {
  env: [],
  ageIdentity: null,
  commands: {},
  own: { env: [], files: [] },
};

/** Stands for the reference in a command. */
export const REF = "{ref}";
/** The controller's own: tokens for git and forges, where its data is. */
const OURS = /^FACTORY(_|$)/i;

export interface SecretRefusal {
  readonly message: string;
  /** What would be right. */
  readonly expected: string;
}

/** Null: it may be named. */
export function refusalOfSecret(from: SecretRef["from"], policy: SecretPolicy): SecretRefusal | null {
  if ("env" in from) return refusalOfVariable(from.env, policy);
  if ("file" in from) {
    const file = normalized(from.file);
    const own = [...policy.own.files, ...(policy.ageIdentity === null ? [] : [policy.ageIdentity])];
    return own.some((path) => normalized(path) === file)
      ? { message: `${from.file} is the fleet's own`, expected: "a file that fleet.yaml itself does not use" }
      : null;
  }
  if ("command" in from) {
    const known = Object.keys(policy.commands);
    return known.includes(from.command)
      ? null
      : {
          message: `fleet.yaml declares no command ${from.command} for secrets`,
          expected:
            known.length === 0
              ? `spec.secrets.commands: {${from.command}: {run: [program, "${REF}"]}} in fleet.yaml`
              : known.join(" | "),
        };
  }
  return policy.ageIdentity === null
    ? {
        message: "fleet.yaml names no key that opens encrypted files",
        expected: "spec.secrets.age_identity: <file below the controller's secrets/> in fleet.yaml",
      }
    : null;
}

function refusalOfVariable(name: string, { env, own }: SecretPolicy): SecretRefusal | null {
  const allowed = env.length === 0 ? "none is allowed yet" : env.join(" | ");
  if (OURS.test(name) || own.env.includes(name))
    return { message: `${name} is the controller's own, and no clone's`, expected: allowed };
  if (env.some((pattern) => matches(pattern, name))) return null;
  return {
    message: `fleet.yaml does not allow clones the variable ${name}`,
    expected:
      env.length === 0
        ? `spec.secrets.env: [${name}] in fleet.yaml`
        : `${allowed}, or ${name} added to spec.secrets.env of fleet.yaml`,
  };
}

function matches(pattern: string, name: string): boolean {
  return pattern.endsWith("*") ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
}

function normalized(path: string): string {
  return path
    .split("/")
    .filter((part) => part !== "" && part !== ".")
    .join("/");
}

/** As a plan and a message show it. */
export function secretText(from: SecretRef["from"]): string {
  if ("env" in from) return `env:${from.env}`;
  if ("file" in from) return `file:${from.file}`;
  if ("age" in from) return `age:${from.age}`;
  if ("sops" in from) return `sops:${from.sops}#${from.key}`;
  return `${from.command}:${from.ref}`;
}
