import { spawnSync } from 'node:child_process'
import { required } from '@countersign/testing/services'
import { expect, test } from 'vitest'

// The model checker, where there is one.

/** Whether SPIN is there, and the C compiler that it needs. */
export const there: boolean = ['spin', 'gcc'].every(
  program => spawnSync(program, ['-V'], { stdio: 'ignore' }).error === undefined,
)
/** Declares a test that needs it. */
export const when: typeof test | typeof test.skip = there ? test : test.skip
/** Ends the name of such a test: why it was skipped. */
export const why: string = there ? '' : ' (skipped: no SPIN; apt-get install spin gcc libc6-dev)'

/** Declares a test that fails if CI requires SPIN and there is none. */
export function requireSpin(): void {
  test('the model checker that CI requires is there', () => {
    expect(there || !required('spin')).toBe(true)
  })
}
