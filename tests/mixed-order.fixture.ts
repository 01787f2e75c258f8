import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The other files that are started for each one of `tests/`. */
const others = 2

/** Files that take minutes in the long tier: they start first, for at the end they would run alone. */
const slowest =
  /\/(?:race\.databases\.test|(?:ours|broken-peers|chaos|(?:(?:agent|auth-server|resource)-)?mutants|mutants-inside|servers|samples|model|upgrade)\.long)\.ts$/

/**
 * The order of the test files: one of `tests/`, then two of the packages. Those of `tests/` wait for processes while others compute, and
 * take longest, so none of them is left to the end, where it would run alone.
 */
export class MixedOrder extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isWhole = ({ moduleId }: TestSpecification): boolean => /\/tests\/(?!.*\/src\/)/.test(moduleId)
    const first = sorted.filter(({ moduleId }) => slowest.test(moduleId))
    const rest = sorted.filter(file => !first.includes(file))
    const [whole, parts] = [rest.filter(isWhole), rest.filter(file => !isWhole(file))]
    return [
      ...first,
      ...whole.flatMap((file, at) => [file, ...parts.slice(at * others, (at + 1) * others)]),
      ...parts.slice(whole.length * others),
    ]
  }
}
