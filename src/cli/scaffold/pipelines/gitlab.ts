import type { ProgramSource } from "./program-source.ts";

/**
 * For GitLab: two jobs. Problems become a Code Quality report, the plan an artifact and the end of the log. A controller says
 * nothing on merge requests there yet.
 */
export function gitlabFiles({ url, commit }: ProgramSource): ReadonlyMap<string, string> {
  return new Map([[".gitlab-ci.yml", pipeline(url, commit)]]);
}

function pipeline(url: string, commit: string): string {
  return `# Says on a merge request what it would start, stop, change and cost. The proposal is read as objects of git: none of its files
# lies on disk, and none of its code is run. The program is a repository at a commit, with what its lock file pins.
.factory:
  image: node:24
  interruptible: true
  timeout: 10 minutes
  variables:
    GIT_STRATEGY: none
    PROGRAM_URL: ${url}.git
    PROGRAM_COMMIT: ${commit}
    STATUS: factory/status
    TOKEN_USER: gitlab-ci-token
  before_script:
    - |
      export TEMP=$(mktemp -d) TOKEN="$CI_JOB_TOKEN"
      export ORIGIN="$CI_PROJECT_URL.git" PROGRAM="$TEMP/program"
      git init --quiet --template= "$PROGRAM"
      git -C "$PROGRAM" fetch --quiet --depth=1 -- "$PROGRAM_URL" "$PROGRAM_COMMIT"
      git -C "$PROGRAM" checkout --quiet FETCH_HEAD
      npm ci --prefix "$PROGRAM" --omit=dev --ignore-scripts --no-audit --no-fund --loglevel=error
      export PATH="$PROGRAM/node_modules/.bin:$PATH"

fleet:
  extends: .factory
  rules:
    - if: $CI_PIPELINE_SOURCE == "merge_request_event"
  script:
    - |
      export HEAD="$CI_COMMIT_SHA" BASE="\${CI_MERGE_REQUEST_TARGET_BRANCH_SHA:-$CI_MERGE_REQUEST_DIFF_BASE_SHA}"
      bash "$PROGRAM/tools/pipeline/fetch.sh" "$TEMP/sides"
      repository=$(sed -n 's/^repository=//p' "$TEMP/sides")
      code=0
      node "$PROGRAM/src/main.ts" validate --head "$HEAD" --annotations gitlab "$repository" > gl-code-quality-report.json || code=$?
      node "$PROGRAM/src/main.ts" plan --dir "$repository" --base "$BASE" --head "$HEAD" --markdown > factory-plan.md || code=$?
      node "$PROGRAM/src/main.ts" plan --dir "$repository" --base "$BASE" --head "$HEAD" || code=$?
      exit "$code"
  artifacts:
    when: always
    expire_in: 30 days
    paths: [factory-plan.md]
    reports:
      codequality: gl-code-quality-report.json

doctor:
  extends: .factory
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule"
  script:
    - |
      FACTORY_GIT_TOKEN="$TOKEN" node "$PROGRAM/src/main.ts" doctor --repository --source "$ORIGIN" --branch "$CI_DEFAULT_BRANCH" --data "$TEMP/data"
`;
}
