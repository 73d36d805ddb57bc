/**
 * The one place that decides with which environment git runs.
 *
 * Git sees an allow-list of our variables and nothing else, so that no secret of
 * the controller reaches a helper, and no configuration but ours: neither the
 * machine's nor the user's. Calls that go to the origin may use the operator's
 * credentials on top; calls that stay in our mirror never do. No secret is ever
 * an argument, where every user of the machine could read it.
 */
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { FactoryError } from "../../core/model/error.ts";

/** How we may enter the origin. Everything is optional; the default is what the machine allows without asking. */
export interface GitAccess {
  /** For http(s): a token or password, read anew for each call, so that it may be rotated. */
  readonly token?: { readonly env: string } | { readonly file: string };
  /** User name that goes with the token. Forges accept any, so the default is `x-access-token`. */
  readonly user?: string;
  /** For http(s): value of git's `credential.helper`. */
  readonly credentialHelper?: string;
  /** Replaces `ssh`. Default: the controller's `GIT_SSH_COMMAND`, else ssh that never asks. */
  readonly sshCommand?: string;
  /** The operator's own git configuration, e.g. `/home/factory/.gitconfig`: proxies, `safe.directory`, helpers. */
  readonly configFile?: string;
}

export interface GitEnvironment {
  /** Without user and password, absolute where it is a path. */
  readonly url: string;
  /** For calls that stay in the repository at `gitDir`. */
  local(gitDir: string): Record<string, string>;
  /** For calls to the origin. The repository at `gitDir` need not exist for those that only ask. Rejects `git/credentials`. */
  remote(gitDir: string): Promise<Record<string, string>>;
  /** The text without the token and without passwords in addresses. */
  redact(text: string): string;
}

export interface GitEnvironmentOptions {
  readonly url: string;
  readonly access?: GitAccess | undefined;
  /** The controller's own environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/** What git and its helpers need of our environment: paths, the ssh agent, proxies, certificates. */
const PASSED_ON = [
  ...["PATH", "HOME", "USER", "LOGNAME", "TMPDIR", "SSH_AUTH_SOCK", "XDG_RUNTIME_DIR"],
  ...["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"],
  ...["SSL_CERT_FILE", "SSL_CERT_DIR", "GIT_SSL_CAINFO", "GIT_SSL_CAPATH", "SYSTEMROOT"],
];

/** Anything else, such as `ext::` which runs a command, is refused by git itself. */
const PROTOCOLS = "file:git:http:https:ssh";

/** A connection that moves less than a byte a second for a minute is dead; git sends keep-alives while it works. */
const LOW_SPEED_BYTES_PER_SECOND = 1;
const LOW_SPEED_SECONDS = 60;
const SSH_CONNECT_SECONDS = 20;

const TOKEN_BYTES_MAX = 64 * 1024;

const ALWAYS: readonly (readonly [string, string])[] = [
  ["core.hooksPath", "/dev/null"],
  ["core.attributesFile", "/dev/null"],
  ["core.fsmonitor", "false"],
  ["core.quotePath", "false"],
  // Housekeeping is ours to time, and nothing that a mission may still be judged by is ever dropped.
  ["gc.auto", "0"],
  ["maintenance.auto", "false"],
  ["gc.pruneExpire", "never"],
  ["gc.packRefs", "false"],
  ["fetch.recurseSubmodules", "false"],
  ["push.recurseSubmodules", "no"],
  ["push.gpgSign", "false"],
  ["http.lowSpeedLimit", String(LOW_SPEED_BYTES_PER_SECOND)],
  ["http.lowSpeedTime", String(LOW_SPEED_SECONDS)],
];

/** Prepares the environment for one origin. Throws `git/bad-url`. */
export function createGitEnvironment(options: GitEnvironmentOptions): GitEnvironment {
  const ambient = options.env ?? process.env;
  const access = options.access ?? {};
  const { url, user, password } = takeCredentials(options.url);
  let lastToken = password ?? "";

  function base(): Record<string, string> {
    const env: Record<string, string> = {
      // What git says is read by `errors.ts`: always in English.
      LC_ALL: "C",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_CONFIG_GLOBAL: "/dev/null",
      GIT_TERMINAL_PROMPT: "0",
      GIT_ALLOW_PROTOCOL: PROTOCOLS,
      GIT_OPTIONAL_LOCKS: "0",
    };
    for (const name of PASSED_ON) {
      const value = ambient[name];
      if (value !== undefined) env[name] = value;
    }
    return env;
  }

  return {
    url,
    local: (gitDir) => withConfig({ ...base(), GIT_DIR: gitDir, ...STAYS_HERE }, ALWAYS),
    async remote(gitDir) {
      // Named also before it exists, so that git does not find one that lies above, with its configuration.
      const env: Record<string, string> = { ...base(), GIT_DIR: gitDir };
      const config = [...ALWAYS];
      if (access.configFile !== undefined) env["GIT_CONFIG_GLOBAL"] = access.configFile;
      const ssh = access.sshCommand ?? ambient["GIT_SSH_COMMAND"];
      if (ssh !== undefined) env["GIT_SSH_COMMAND"] = ssh;
      else if (access.configFile === undefined) {
        env["GIT_SSH_COMMAND"] = `ssh -o BatchMode=yes -o ConnectTimeout=${SSH_CONNECT_SECONDS}`;
      }
      if (access.credentialHelper !== undefined) config.push(["credential.helper", access.credentialHelper]);
      const token = access.token === undefined ? password : await readToken(access.token, ambient);
      if (token !== undefined && /^https?:/.test(url)) {
        lastToken = token;
        env["FACTORY_GIT_USER"] = access.user ?? user ?? "x-access-token";
        env["FACTORY_GIT_TOKEN"] = token;
        // Bound to the origin's host: a redirect elsewhere does not get it.
        config.push([`credential.${new URL(url).origin}.helper`, TOKEN_HELPER]);
      }
      return withConfig(env, config);
    },
    redact(text) {
      const clean = lastToken === "" ? text : text.replaceAll(lastToken, "***");
      return clean.replace(/(\w+:\/\/)[^/\s@]+@/g, "$1***@");
    },
  };
}

/**
 * The environment for a call in a repository of somebody else, such as a checkout: its configuration and the user's are
 * read, and no program that they name is run. An environment that `createGitEnvironment` made is left as it is.
 */
export function harmless(env: Readonly<Record<string, string>>): Record<string, string> {
  if (env["GIT_CONFIG_COUNT"] !== undefined) return { ...env };
  return withConfig({ GIT_TERMINAL_PROMPT: "0", GIT_OPTIONAL_LOCKS: "0", ...env }, ALWAYS);
}

/** Also an object that is missing is not fetched, for which git would run the program that the repository names. */
const STAYS_HERE = { GIT_NO_LAZY_FETCH: "1", GIT_ALLOW_PROTOCOL: "none" };

const TOKEN_HELPER =
  '!f() { test "$1" = get && printf "username=%s\\npassword=%s\\n" "$FACTORY_GIT_USER" "$FACTORY_GIT_TOKEN"; }; f';

function withConfig(
  env: Record<string, string>,
  config: readonly (readonly [string, string])[],
): Record<string, string> {
  env["GIT_CONFIG_COUNT"] = String(config.length);
  for (const [index, [key, value]] of config.entries()) {
    env[`GIT_CONFIG_KEY_${index}`] = key;
    env[`GIT_CONFIG_VALUE_${index}`] = value;
  }
  return env;
}

async function readToken(
  from: NonNullable<GitAccess["token"]>,
  ambient: NodeJS.ProcessEnv,
): Promise<string | undefined> {
  if ("env" in from) {
    const value = ambient[from.env]?.trim();
    if (value !== undefined && value !== "") return value;
    throw new FactoryError(
      "git/credentials",
      "stall",
      `the variable ${from.env} with the git token is not set`,
    );
  }
  try {
    const value = (await readFile(from.file, "utf8")).trim();
    if (value !== "" && value.length <= TOKEN_BYTES_MAX && !value.includes("\n")) return value;
  } catch (cause) {
    throw new FactoryError("git/credentials", "stall", `cannot read the git token from ${from.file}`, {
      cause,
    });
  }
  throw new FactoryError(
    "git/credentials",
    "stall",
    `${from.file} does not hold a git token on a single line`,
  );
}

/** Takes user and password out of an address, and makes a local path absolute. */
function takeCredentials(given: string): { url: string; user?: string; password?: string } {
  if (given === "" || given.startsWith("-") || /[\0\n\r]/.test(given)) {
    throw new FactoryError(
      "git/bad-url",
      "stall",
      `${JSON.stringify(given)} is not the address of a repository`,
    );
  }
  if (/^https?:\/\//i.test(given)) {
    const url = URL.canParse(given) ? new URL(given) : null;
    if (url === null)
      throw new FactoryError("git/bad-url", "stall", "the repository's address cannot be read");
    const user = decodeURIComponent(url.username);
    const password = decodeURIComponent(url.password);
    url.username = "";
    url.password = "";
    return { url: url.href, ...(user === "" ? {} : { user }), ...(password === "" ? {} : { password }) };
  }
  // `scheme://…`, `transport::…` and `host:path` are for git to judge; all else is a path.
  return { url: /^[^/]*:/.test(given) ? given : resolve(given) };
}
