import type { Reporter, TestModule } from 'vitest/node'
import { requirements } from './manifest.js'
import { proofOf } from './proof.js'
import type { Requirement } from './requirement.js'

/** What the reporter can be told. */
export interface RequirementsReporterOptions {
  /** The list to hold the run against. Default: the manifest. */
  readonly requirements?: readonly Requirement[]
}

/**
 * Fails a full run in which a requirement of what is built was proven by no passing test.
 * Only for full runs: a partial run proves little, and says nothing by that.
 */
export default class RequirementsReporter implements Reporter {
  readonly #requirements: readonly Requirement[]

  constructor(options: RequirementsReporterOptions = {}) {
    this.#requirements = options.requirements ?? requirements
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const { proven, missing, ahead } = proofOf(this.#requirements, passedIn(modules))
    const built = proven.length + missing.length
    const rest = this.#requirements.length - built
    console.log(
      `\n${proven.length} of ${built} requirements of what is built are proven (${rest} belong to what is not built yet).`,
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
