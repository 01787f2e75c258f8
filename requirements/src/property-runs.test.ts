import { expect, test } from 'vitest'
import { shareOf } from './property-runs.js'

test('three thirds of the long tier try everything once', () => {
  const all = Array.from({ length: 10 }, (_, at) => at)
  const thirds = ['1', '2', '3'].map(shareOf)
  expect(thirds.flatMap(({ ofThird }) => ofThird(all)).sort((a, b) => a - b)).toEqual(all)
  expect(thirds.map(({ longRuns }) => longRuns(20_000))).toEqual([6667, 6667, 6667])
})

test.each(['all', '', undefined, '4', '0'])('the long tier tries everything where its third is %j', named => {
  const { longRuns, ofThird } = shareOf(named)
  expect([longRuns(7), ofThird([1, 2, 3])]).toEqual([7, [1, 2, 3]])
})
