import type { Reporter, TestModule } from 'vitest/node'
import { requirements } from './manifest.js'
import { proofOf } from './proof.js'
import type { Requirement } from './requirement.js'

/** What the reporter can be told. */
export interface RequirementsReporterOptions {
  /** The list to hold the run against. Default: the manifest. */
  readonly requirements?: readonly Requirement[]
  /** Of the run. Default: `long` where `COUNTERSIGN_LONG` is 1. */
  readonly tier?: 'short' | 'long'
}

/**
 * Fails a full run in which a requirement of what is built was proven by no passing test.
 * Only for full runs: a partial run proves little, and says nothing by that.
 */
export default class RequirementsReporter implements Reporter {
  readonly #requirements: readonly Requirement[]
  readonly #tier: 'short' | 'long'

  constructor(options: RequirementsReporterOptions = {}) {
    this.#requirements = options.requirements ?? requirements
    this.#tier = options.tier ?? (process.env['COUNTERSIGN_LONG'] === '1' ? 'long' : 'short')
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const { proven, missing, ahead } = proofOf(this.#requirements, passedIn(modules), this.#tier)
    const built = this.#requirements.filter(({ status }) => status === 'built').length
    const left = built - proven.length - missing.length
    console.log(
      `\n${proven.length} of ${built} requirements of what is built are proven${left === 0 ? '' : `, ${left} are left to npm run test:all`} (${this.#requirements.length - built} belong to what is not built yet).`,
    )
    if (ahead.length > 0) console.log(`Proven, but marked later:\n${listOf(ahead)}`)
    if (missing.length > 0) {
      console.error(`No passing test cites:\n${listOf(missing)}`)
      process.exitCode = 1
    }
  }
}

function* passedIn(modules: readonly TestModule[]): Generator<string> {
  for (const module of modules) for (const test of module.children.allTests('passed')) yield test.fullName
}

function listOf(entries: readonly Requirement[]): string {
  return entries.map(r => `  ${r.id}  ${r.text}`).join('\n')
}
