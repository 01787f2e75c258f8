import { type ExecFileException, execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { required } from '@countersign/testing/services'
import { parse } from 'yaml'
import { keptInstall } from '../../scripts/kept-install.mjs'
import { root } from '../processes.fixture.js'
import { recentNode } from '../recent-node.fixture.js'

// The conformance suite of MCP's authors, and what it says.

const version = '0.2.0-alpha.12'

/** Revisions of MCP whose requirements the suite knows. */
export type Revision = '2025-11-25' | '2026-07-28'

/** The suite, ready to run. */
export interface Suite {
  /** The Node that runs it: the suite needs 22 or newer. */
  readonly node: string
  readonly program: string
  /** Where its package is. */
  readonly folder: string
}

/**
 * The suite, installed when it is first asked for; or why it cannot be had.
 * @throws Error instead, where COUNTERSIGN_REQUIRE names `mcp-suite`
 */
export function officialSuite(): Suite | { readonly missing: string } {
  const found = installed()
  if ('missing' in found && required('mcp-suite')) throw new Error(`the MCP suite is required: ${found.missing}`)
  return found
}

function installed(): Suite | { readonly missing: string } {
  const recent = recentNode()
  if ('missing' in recent) return recent
  const wanted = `@modelcontextprotocol/conformance@${version}`
  const kept = keptInstall(`mcp-suite-${version}`, [wanted])
  if (kept === undefined) return { missing: `npm has no ${wanted}` }
  const folder = join(kept, 'node_modules/@modelcontextprotocol/conformance')
  return { ...recent, program: join(folder, 'dist/index.js'), folder }
}

/** Which scenarios a revision requires, and which the suite only reports. */
export interface Requirements {
  readonly server: readonly string[]
  readonly client: readonly string[]
  readonly not_scored: ReadonlyArray<{ readonly scenario: string; readonly leg: string; readonly reason: string }>
}

/** What the suite requires of a revision. */
export function requirementsOf({ folder }: Suite, revision: Revision): Requirements {
  return parse(readFileSync(join(folder, 'requirements', `${revision}.yaml`), 'utf8'))
}

/** All scenarios of one leg that a revision has: those it requires, and those the suite only reports. */
export function scenariosOf(suite: Suite, revision: Revision, leg: 'server' | 'client'): string[] {
  const { [leg]: scenarios, not_scored: others } = requirementsOf(suite, revision)
  return [...scenarios, ...others.filter(other => other.leg === leg).map(({ scenario }) => scenario)]
}

/** Scenarios and checks that fail, each with its reason: an entry that does not fail any more ends a run with an error. */
export const expectedFailures: string = join(root, 'tests/mcp-official/expected-failures.yml')

/** What a run of the suite said. */
export interface Report {
  /** 0 where all passes, except what is expected to fail. */
  readonly code: number
  /** What it printed, for a person. */
  readonly said: string
  /** For each scenario its checks and what became of them, as `id: SUCCESS`, in its order. */
  readonly verdicts: Readonly<Record<string, readonly string[]>>
}

/** What a run is of. */
export interface Run {
  readonly leg: 'server' | 'client'
  readonly args: readonly string[]
}

/** Runs the suite to its end. */
export async function runSuite(suite: Suite, { leg, args }: Run): Promise<Report> {
  const results = mkdtempSync(join(tmpdir(), 'countersign-mcp-suite-'))
  try {
    const expected = ['--expected-failures', expectedFailures]
    const { code, said } = await ran(suite, [leg, ...args, ...expected, '-o', results])
    return { code, said, verdicts: verdictsIn(results, leg) }
  } finally {
    rmSync(results, { recursive: true })
  }
}

function ran({ node, program }: Suite, args: readonly string[]): Promise<Pick<Report, 'code' | 'said'>> {
  return new Promise(resolve => {
    execFile(
      node,
      [program, ...args],
      { maxBuffer: 64 * 1024 * 1024 },
      (error: ExecFileException | null, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code ?? 1), said: stdout + stderr })
      },
    )
  })
}

interface Check {
  readonly id: string
  readonly status: string
}

/** One folder a scenario, named by it and by the time. */
function verdictsIn(results: string, leg: 'server' | 'client'): Report['verdicts'] {
  const folders = readdirSync(results, { recursive: true, encoding: 'utf8' })
    .filter(file => file.endsWith('checks.json'))
    .map(file => file.slice(0, -'/checks.json'.length))
  return Object.fromEntries(
    folders.sort().map(folder => {
      const checks: Check[] = JSON.parse(readFileSync(join(results, folder, 'checks.json'), 'utf8'))
      // What is only told says nothing about the server, and differs from run to run.
      const said = checks.filter(({ status }) => status !== 'INFO').map(({ id, status }) => `${id}: ${status}`)
      return [scenarioOf(folder, leg), said]
    }),
  )
}

function scenarioOf(folder: string, leg: 'server' | 'client'): string {
  const named = folder.replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '')
  return leg === 'server' ? named.replace(/^server-/, '') : named
}

/** The scenarios of which a check failed, or warns. */
export function faultsIn({ verdicts }: Report, scenarios: readonly string[]): string[] {
  return scenarios.flatMap(scenario =>
    (verdicts[scenario] ?? ['it did not run'])
      .filter(said => !/: (?:SUCCESS|SKIPPED)$/.test(said))
      .map(said => `${scenario}: ${said}`),
  )
}
