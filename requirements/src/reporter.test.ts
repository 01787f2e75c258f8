import { afterEach, beforeEach, expect, type MockInstance, test, vi } from 'vitest'
import type { TestModule } from 'vitest/node'
import RequirementsReporter from './reporter.js'
import type { Requirement } from './requirement.js'

const requirements: readonly Requirement[] = [
  { id: 'a.clause', section: '1', text: 'What must hold.', status: 'built' },
  { id: 'b.clause', section: '1', text: 'What must hold one day.', status: 'later' },
]

interface FakeTest {
  readonly fullName: string
  readonly state: 'passed' | 'failed' | 'skipped'
}

/** Only what the reporter reads of a module: its tests, by state. */
function moduleOf(...tests: readonly FakeTest[]): TestModule {
  const allTests = (state?: string) => tests.filter(test => state === undefined || test.state === state).values()
  return { children: { allTests } } as unknown as TestModule
}

let out: MockInstance<typeof console.log>
let err: MockInstance<typeof console.log>
let exitCode: typeof process.exitCode

function silenced(method: 'log' | 'error'): MockInstance<typeof console.log> {
  return vi.spyOn(console, method).mockReturnValue()
}

beforeEach(() => {
  exitCode = process.exitCode
  process.exitCode = undefined
  out = silenced('log')
  err = silenced('error')
})

afterEach(() => {
  process.exitCode = exitCode
  out.mockRestore()
  err.mockRestore()
})

function exitCodeAfter(...tests: readonly FakeTest[]): typeof process.exitCode {
  new RequirementsReporter({ requirements }).onTestRunEnd([moduleOf(), moduleOf(...tests)])
  return process.exitCode
}

test('a run that proves what is built passes', () => {
  expect(exitCodeAfter({ fullName: 'suite > [a.clause] holds', state: 'passed' })).toBeUndefined()
  expect(out).toHaveBeenCalledWith(expect.stringContaining('1 of 1 requirements'))
  expect(err).not.toHaveBeenCalled()
})

test('a built requirement without a passing test fails the run and is named', () => {
  expect(exitCodeAfter({ fullName: 'suite > another test', state: 'passed' })).toBe(1)
  expect(err).toHaveBeenCalledWith(expect.stringContaining('a.clause  What must hold.'))
})

test.each(['failed', 'skipped'] as const)('a %s test proves nothing', state => {
  expect(exitCodeAfter({ fullName: 'suite > [a.clause] holds', state })).toBe(1)
})

test('what is proven ahead of its time is named and fails nothing', () => {
  const both = { fullName: '[a.clause b.clause] hold', state: 'passed' } as const
  expect(exitCodeAfter(both)).toBeUndefined()
  expect(out).toHaveBeenCalledWith(expect.stringContaining('b.clause  What must hold one day.'))
})

test('without options it holds the run against the manifest', () => {
  new RequirementsReporter().onTestRunEnd([])
  expect(process.exitCode).toBe(1)
  expect(err).toHaveBeenCalledWith(expect.stringContaining('SIG-01'))
})
