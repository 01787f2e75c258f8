import { expect, test, vi } from 'vitest'
import type { TestModule } from 'vitest/node'
import { isSentence } from './titles.fixture.js'
import TitlesReporter from './titles.reporter.js'

test.each(['a replay is refused', 'guard > keeps the body', '[SIG-04] the agent sends no token', "it doesn't wait"])(
  'the title is a sentence: %s',
  title => {
    expect(isSentence(title)).toBe(true)
  },
)

test.each(['', 'purposes', 'limits > depth', '[SIG-04 SIG-05 sig.key.hwk] an agent', 'another scope of the resource'])(
  'the title is no sentence: %s',
  title => {
    expect(isSentence(title)).toBe(false)
  },
)

test.each([
  ['purposes', 1],
  ['purposes are shown', undefined],
])('a run with the title “%s” ends with %s', (fullName, code) => {
  const told = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const before = process.exitCode
  process.exitCode = undefined
  const children = { allTests: () => [{ fullName }] }
  new TitlesReporter().onTestRunEnd([{ relativeModuleId: 'a.test.ts', children } as unknown as TestModule])
  expect(process.exitCode).toBe(code)
  expect(told).toHaveBeenCalledTimes(code ?? 0)
  process.exitCode = before
  told.mockRestore()
})
