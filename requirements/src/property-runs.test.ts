import { afterEach, expect, test, vi } from 'vitest'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.resetModules()
})

async function runs(third: string): Promise<typeof import('./property-runs.js')> {
  vi.stubEnv('COUNTERSIGN_LONG', '1')
  vi.stubEnv('COUNTERSIGN_THIRD', third)
  vi.resetModules()
  return import('./property-runs.js')
}

test('three thirds of the long tier try everything once', async () => {
  const all = Array.from({ length: 10 }, (_, at) => at)
  const tried: number[] = []
  for (const third of ['1', '2', '3']) {
    const { numRuns, ofThird } = await runs(third)
    expect(numRuns).toBe(6667)
    tried.push(...ofThird(all))
  }
  expect(tried.sort((a, b) => a - b)).toEqual(all)
})

test.each(['all', '', '4', '0'])('the long tier tries everything where COUNTERSIGN_THIRD is %j', async third => {
  const { longRuns, numRuns, ofThird } = await runs(third)
  expect([numRuns, longRuns(7), ofThird([1, 2, 3])]).toEqual([20_000, 7, [1, 2, 3]])
})
