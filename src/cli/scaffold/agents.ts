/** Real agents as clones: how each is started, led to its gateway, and understood. Tried by `npm run e2e:agents`, against the versions named here. */

import type { AgentOutput, ModelApiName } from "../../core/model/clone.ts";
import { nearest } from "../../documents/suggest.ts";
import { usageError } from "../exit.ts";

export const AGENT_NAMES = ["claude-code", "codex", "gemini", "opencode", "copilot", "pi"] as const;
export type AgentName = (typeof AGENT_NAMES)[number];

export interface AgentRecipe {
  /** On npm, with the version that was tried. */
  readonly package: string;
  /** What it installs. */
  readonly program: string;
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly output: AgentOutput;
  readonly api: ModelApiName;
  /** Its variable for the provider's key. */
  readonly key: string;
}

/** The model that each asks for where its clone says nothing else. */
const CLAUDE = "claude-sonnet-4-5";
const GPT = "gpt-5.1";
const GEMINI = "gemini-2.5-pro";

/** What stands between its tools and the machine is its clone's containment: so none of them asks by itself. */
export const AGENT_RECIPES: Readonly<Record<AgentName, AgentRecipe>> = {
  "claude-code": {
    package: "@anthropic-ai/claude-code@2.1.332",
    program: "claude",
    command: [
      "claude",
      ...["-p", "{prompt}", "--model", CLAUDE],
      ...["--output-format", "stream-json", "--verbose"],
      ...["--permission-mode", "bypassPermissions"],
      ...[
        "--strict-mcp-config",
        "--mcp-config",
        json({ mcpServers: { factory: { command: "factory-tools" } } }),
      ],
    ],
    env: {
      IS_SANDBOX: "1",
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1",
      CLAUDE_CODE_ENABLE_PROMPT_SUGGESTION: "false",
      DISABLE_AUTOUPDATER: "1",
      ENABLE_TOOL_SEARCH: "false",
    },
    output: "claude-stream-json",
    api: "anthropic",
    key: "ANTHROPIC_API_KEY",
  },
  codex: {
    package: "@openai/codex@0.171.0",
    program: "codex",
    command: [
      "codex",
      ...["exec", "--json", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"],
      ...settings({
        model: GPT,
        model_provider: "factory",
        "model_providers.factory.name": "factory",
        "model_providers.factory.base_url": "{model_url}/v1",
        "model_providers.factory.wire_api": "responses",
        "model_providers.factory.env_key": "OPENAI_API_KEY",
        "model_providers.factory.supports_websockets": false,
        check_for_update_on_startup: false,
        "analytics.enabled": false,
        "mcp_servers.factory.command": "factory-tools",
        "mcp_servers.factory.env_vars": ["FACTORY_TOOLS_MCP", "FACTORY_TOOLS_SOCKET"],
      }),
      "{prompt}",
    ],
    env: {},
    output: "codex-json",
    api: "openai",
    key: "OPENAI_API_KEY",
  },
  gemini: {
    package: "@google/gemini-cli@0.61.0",
    program: "gemini",
    // It reads the servers of its tools from a file alone.
    command: [
      "sh",
      "-c",
      `mkdir -p "$HOME/.gemini" && printf %s "$1" > "$HOME/.gemini/settings.json" && exec gemini -p "$2" --output-format stream-json --yolo -m ${GEMINI}`,
      "gemini",
      json({
        security: { auth: { selectedType: "gemini-api-key" } },
        privacy: { usageStatisticsEnabled: false },
        general: { enableAutoUpdate: false },
        mcpServers: {
          factory: {
            command: "factory-tools",
            env: {
              FACTORY_TOOLS_MCP: "$FACTORY_TOOLS_MCP",
              FACTORY_TOOLS_SOCKET: "$FACTORY_TOOLS_SOCKET",
            },
            trust: true,
          },
        },
      }),
      "{prompt}",
    ],
    env: { GEMINI_CLI_TRUST_WORKSPACE: "true", GEMINI_CLI_NO_RELAUNCH: "true", NO_BROWSER: "1" },
    output: "gemini-stream-json",
    api: "gemini",
    key: "GEMINI_API_KEY",
  },
  opencode: {
    package: "opencode-ai@1.18.33",
    program: "opencode",
    command: ["opencode", "run", "--format", "json", "{prompt}"],
    env: {
      OPENCODE_CONFIG_CONTENT: json({
        model: `factory/${GPT}`,
        small_model: `factory/${GPT}`,
        share: "disabled",
        autoupdate: false,
        enabled_providers: ["factory"],
        permission: { "*": "allow" },
        provider: {
          factory: {
            npm: "@ai-sdk/openai-compatible",
            name: "Factory",
            options: { baseURL: "{model_url}/v1", apiKey: "{env:OPENAI_API_KEY}" },
            models: { [GPT]: { name: GPT, limit: { context: 272_000, output: 128_000 } } },
          },
        },
        mcp: { factory: { type: "local", command: ["factory-tools"] } },
      }),
      OPENCODE_DISABLE_AUTOUPDATE: "1",
      OPENCODE_DISABLE_LSP_DOWNLOAD: "1",
      OPENCODE_DISABLE_MODELS_FETCH: "1",
    },
    output: "opencode-json",
    api: "openai",
    key: "OPENAI_API_KEY",
  },
  copilot: {
    package: "@github/copilot@1.0.102",
    program: "copilot",
    command: [
      "copilot",
      ...["-p", "{prompt}", "--allow-all-tools", "--output-format", "json", "--disable-builtin-mcps"],
      ...[
        "--additional-mcp-config",
        json({
          mcpServers: { factory: { type: "local", command: "factory-tools", args: [], tools: ["*"] } },
        }),
      ],
    ],
    env: {
      COPILOT_PROVIDER_BASE_URL: "{model_url}/v1",
      COPILOT_PROVIDER_TYPE: "openai",
      COPILOT_MODEL: GPT,
      COPILOT_OFFLINE: "true",
      COPILOT_AUTO_UPDATE: "false",
    },
    output: "copilot-json",
    api: "openai",
    key: "COPILOT_PROVIDER_API_KEY",
  },
  pi: {
    package: "@earendil-works/pi-coding-agent@1.6.0",
    program: "pi",
    // It reads the address of its model from a file alone.
    command: [
      "sh",
      "-c",
      `mkdir -p "$HOME/.pi/agent" && printf '${json({
        providers: {
          factory: {
            baseUrl: "%s",
            api: "openai-completions",
            apiKey: "$OPENAI_API_KEY",
            models: [{ id: GPT, name: GPT, contextWindow: 272_000, maxTokens: 128_000 }],
          },
        },
      })}' "$OPENAI_BASE_URL" > "$HOME/.pi/agent/models.json" && exec pi -p --mode json --provider factory --model ${GPT} "$1"`,
      "pi",
      "{prompt}",
    ],
    env: { PI_OFFLINE: "1", PI_TELEMETRY: "0" },
    output: "pi-json",
    api: "openai",
    key: "OPENAI_API_KEY",
  },
};

/** Throws with the names that there are. */
export function agentNamed(name: string, others: readonly string[] = []): AgentName {
  const found = AGENT_NAMES.find((one) => one === name);
  if (found !== undefined) return found;
  const names = [...AGENT_NAMES, ...others];
  const meant = nearest(name, names);
  throw usageError(
    `there is no recipe for ${JSON.stringify(name)}${meant === null ? "" : `; did you mean ${meant}?`} There are ${names.join(", ")}`,
  );
}

/** The fields of `spec.agent` and `spec.secrets` that make a clone of it. `variable`: of the controller, where the key is found. */
export function agentFields(
  { command, env, output, api, key }: AgentRecipe,
  { variable, upstream }: { readonly variable: string; readonly upstream?: string },
): { readonly agent: object; readonly secrets: readonly { name: string; from: { env: string } }[] } {
  return {
    agent: {
      adapter: "command",
      command,
      env,
      stdin: "none",
      output,
      model: { api, key, ...(upstream === undefined ? {} : { upstream }) },
    },
    secrets: [{ name: key, from: { env: variable } }],
  };
}

function json(value: object): string {
  return JSON.stringify(value);
}

/** As Codex takes them from its command line: TOML, of which texts, flags and lists of texts are JSON as well. */
function settings(values: Readonly<Record<string, unknown>>): readonly string[] {
  return Object.entries(values).flatMap(([name, value]) => ["-c", `${name}=${JSON.stringify(value)}`]);
}
