import { afterEach, beforeEach, expect, type MockInstance, type TestError, test, vi } from 'vitest'
import type { TestModule } from 'vitest/node'
import SecondTriesReporter from './second-tries.reporter.js'

interface FakeTest {
  readonly fullName: string
  readonly state: 'passed' | 'failed'
  readonly errors?: readonly TestError[]
}

/** Only what the reporter reads of a module: its name, and its tests by state. */
function moduleOf(...tests: readonly FakeTest[]): TestModule {
  const allTests = (state: string) =>
    tests
      .filter(one => one.state === state)
      .map(({ fullName, errors }) => ({ fullName, result: () => ({ errors }) }))
      .values()
  return { relativeModuleId: 'some.test.ts', children: { allTests } } as unknown as TestModule
}

let out: MockInstance<typeof console.log>
beforeEach(() => {
  out = vi.spyOn(console, 'log').mockReturnValue()
})
afterEach(() => out.mockRestore())

test('a test that passed at a second try is named, with what its first one said', () => {
  const hidden = 'at /project/node_modules/runner.js'
  const stack = `Error: late\n${hidden}\n${'x'.repeat(3000)}\n${'at there\n'.repeat(30)}`
  const first = { message: 'late', stack, cause: { message: 'a reason' } }
  const tests = [
    { fullName: 'suite > late', state: 'passed', errors: [first] },
    { fullName: 'suite > short', state: 'passed', errors: [{ message: 'no stack' }] },
  ] as const
  new SecondTriesReporter().onTestRunEnd([moduleOf(), moduleOf(...tests)])
  const [[text] = []] = out.mock.calls
  expect(text).toMatch(/^\nPassed at a second try:\n {2}some\.test\.ts > suite > late\n {4}Error: late\n {4}x{2000}…\n/)
  expect(text).toMatch(/\n {2}some\.test\.ts > suite > short\n {4}no stack$/)
  expect(text).toMatch(/\n {4}at there\n {4}Caused by: a reason\n/)
  expect(text).not.toContain('node_modules')
  expect(String(text).split('\n')).toHaveLength(26)
})

test('nothing is said of tests that passed or failed at once', () => {
  const failed = { fullName: 'wrong', state: 'failed', errors: [{ message: 'wrong' }] } as const
  new SecondTriesReporter().onTestRunEnd([moduleOf({ fullName: 'right', state: 'passed' }, failed)])
  expect(out).not.toHaveBeenCalled()
})
