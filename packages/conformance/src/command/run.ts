import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { agentCases } from '../agent/cases.js'
import { judgeAgent } from '../agent/judge-agent.js'
import { agentServerCases } from '../agent-server/cases.js'
import { judgeAgentServer } from '../agent-server/judge-agent-server.js'
import { allCases } from '../all-cases.js'
import { authServerCases } from '../auth-server/cases.js'
import { judgeAuthServer } from '../auth-server/judge-auth-server.js'
import type { JudgeOptions } from '../case/subject.js'
import type { CaseResult } from '../case/verdict.js'
import { readAgentConfiguration } from '../config/agent-configuration.js'
import { readAgentServerConfiguration } from '../config/agent-server-configuration.js'
import { readAuthServerConfiguration } from '../config/auth-server-configuration.js'
import { ConfigurationError } from '../config/configuration-error.js'
import { readName } from '../config/name.js'
import { readJsonFile, readTextFile } from '../config/read-json.js'
import { readResourceConfiguration } from '../config/resource-configuration.js'
import { checksJson } from '../report/checks-json.js'
import { readExpectedFailures } from '../report/expected-failures.js'
import { junitReport } from '../report/junit-report.js'
import { levelResults } from '../report/levels.js'
import { conforms, type Outcome, outcomeOf } from '../report/outcome.js'
import { htmlPage } from '../report/page.js'
import type { Role } from '../report/role.js'
import { textReport } from '../report/text-report.js'
import { readRequirements } from '../requirements.js'
import { resourceCases } from '../resource/cases.js'
import { judgeResource } from '../resource/judge-resource.js'
import { thisSuite } from '../suite-version.js'
import { watchRun } from './watch-run.js'

/** The flags of every command. */
export interface ConformanceFlags {
  readonly config?: string
  readonly name?: string
  readonly only?: readonly string[]
  readonly group?: readonly string[]
  readonly seed?: string
  readonly expectedFailures?: string
  readonly out?: string
  readonly verbose?: boolean
  readonly json?: boolean
  readonly slow?: boolean
  readonly junit?: string
  readonly html?: string
}

/** Runs `conformance resource URL`. */
export function runResource(url: string, flags: ConformanceFlags): Promise<void> {
  return runRole({
    role: 'resource',
    url,
    flags,
    read: readResourceConfiguration,
    judge: judgeResource,
    caseIds: resourceCases.map(({ id }) => id),
  })
}

/** Runs `conformance agent-server URL`. */
export function runAgentServer(url: string, flags: ConformanceFlags): Promise<void> {
  return runRole({
    role: 'agent-server',
    url,
    flags,
    read: readAgentServerConfiguration,
    judge: judgeAgentServer,
    caseIds: agentServerCases.map(({ id }) => id),
  })
}

/** Runs `conformance auth-server URL`. */
export function runAuthServer(url: string, flags: ConformanceFlags): Promise<void> {
  return runRole({
    role: 'auth-server',
    url,
    flags,
    read: readAuthServerConfiguration,
    judge: judgeAuthServer,
    caseIds: authServerCases.map(({ id }) => id),
  })
}

/** Runs `conformance agent -- COMMAND`. */
export async function runAgent(command: readonly string[], flags: ConformanceFlags): Promise<void> {
  const configuration = readAgentConfiguration(flags.config === undefined ? {} : readJsonFile(flags.config), command)
  await judged({
    role: 'agent',
    subject: command.join(' '),
    flags,
    caseIds: agentCases.map(({ id }) => id),
    judge: options => judgeAgent({ configuration, ...options }),
  })
}

async function runRole<Configuration>(o: {
  readonly role: Role
  readonly url: string
  readonly flags: ConformanceFlags
  readonly read: (value: unknown) => Configuration
  readonly judge: (options: JudgeOptions<Configuration>) => Promise<CaseResult[]>
  readonly caseIds: readonly string[]
}): Promise<void> {
  const { role, flags, caseIds } = o
  const url = readUrl(o.url)
  if (flags.config === undefined)
    throw new ConfigurationError('--config must name a file: it says what the implementation offers')
  const configuration = o.read(readJsonFile(flags.config))
  const slow = flags.slow ?? false
  const judge: Judge = options => o.judge({ url, configuration, slow, ...options })
  await judged({ role, subject: url.href, flags, caseIds, judge })
}

type Judge = (
  options: Pick<JudgeOptions<unknown>, 'seed' | 'selection' | 'onProgress' | 'onResult'>,
) => Promise<CaseResult[]>

/** Judges, and publishes what was found. */
async function judged(o: {
  readonly role: Role
  readonly subject: string
  readonly flags: ConformanceFlags
  readonly caseIds: readonly string[]
  readonly judge: Judge
}): Promise<void> {
  const { role, subject, flags, caseIds } = o
  const name = flags.name === undefined ? undefined : readName('--name', flags.name)
  const seed = readSeed(flags.seed)
  const expectedFailures = readExpected(flags.expectedFailures, caseIds)
  const requirements = readRequirements()
  const started = performance.now()
  const selection = { only: flags.only ?? [], groups: flags.group ?? [] }
  const results = await o.judge({ seed, selection, ...watchRun(flags, expectedFailures) })
  const milliseconds = Math.round(performance.now() - started)
  const levels = levelResults({ results, caseIds, requirements })
  const suite = thisSuite(requirements, allCases())
  publish(outcomeOf({ suite, role, name, subject, seed, results, levels, expectedFailures, milliseconds }), flags)
}

function publish(outcome: Outcome, { out, junit, html, json, verbose = false }: ConformanceFlags): void {
  const checks = checksJson(outcome)
  const page = (): string => htmlPage(outcome, readRequirements())
  if (out !== undefined) {
    mkdirSync(out, { recursive: true })
    writeFileSync(join(out, 'checks.json'), checks)
    writeFileSync(join(out, 'junit.xml'), junitReport(outcome))
    writeFileSync(join(out, 'index.html'), page())
  }
  if (junit !== undefined) writeFileSync(junit, junitReport(outcome))
  if (html !== undefined) writeFileSync(html, page())
  process.stdout.write(json === true ? checks : textReport(outcome, { isVerbose: verbose, folder: out }))
  process.exitCode = conforms(outcome) ? 0 : 1
}

function readUrl(text: string): URL {
  if (URL.canParse(text) && /^https?:/.test(text)) return new URL(text)
  throw new ConfigurationError(`${text} is no http or https URL`)
}

function readSeed(text = '1'): number {
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new ConfigurationError('--seed must be a whole number of at most nine digits')
}

function readExpected(file: string | undefined, caseIds: readonly string[]): readonly string[] {
  return file === undefined ? [] : readExpectedFailures(readTextFile(file), new Set(caseIds))
}
