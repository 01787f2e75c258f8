import { verifies } from '@countersign/requirements'
import { expect, test } from 'vitest'
import { logLimit } from './index.js'

function collected() {
  const lines: Array<Record<string, unknown>> = []
  const clock = { now: 1000 }
  const log = {
    info: (msg: string) => lines.push({ msg }),
    warn: (fields: object, msg: string) => lines.push({ ...fields, msg }),
  }
  return { lines, clock, log, limit: logLimit(log, { now: () => clock.now, lines: 3 }) }
}

test(
  verifies('LOG-05', 'a million bad requests make three lines a minute of their kind, and one that says how many more'),
  () => {
    const { lines, clock, log, limit } = collected()
    for (let count = 0; count < 1_000_000; count++) limit.write('refused', () => log.info('refused'))
    limit.write('granted twice', () => log.info('another kind'))
    expect(lines.map(({ msg }) => msg)).toEqual(['refused', 'refused', 'refused', 'another kind'])
    // What is not bounded is written whatever happens, and brings what was left out with it once the minute is over.
    limit.turn()
    expect(lines).toHaveLength(4)
    clock.now += 60
    limit.turn()
    expect(lines.slice(4)).toMatchObject([
      { msg: 'lines left out', left_out: 999_997, kinds: { refused: 999_997 }, since: 1000 },
    ])
    limit.write('refused', () => log.info('refused'))
    limit.turn()
    expect(lines.slice(5).map(({ msg }) => msg)).toEqual(['refused'])
  },
)

test(
  verifies('LOG-05', 'a clock that goes back silences nothing for longer, and kinds that grow share one count'),
  () => {
    const { lines, clock, log, limit } = collected()
    for (let count = 0; count < 5; count++) limit.write('refused', () => log.info('refused'))
    clock.now -= 3600
    limit.write('refused', () => log.info('refused'))
    expect(lines.map(({ msg }) => msg)).toEqual(['refused', 'refused', 'refused', 'lines left out', 'refused'])
    lines.length = 0
    for (let kind = 0; kind < 1000; kind++) limit.write(`kind ${kind}`, () => log.info('new'))
    // The one kind of before, 199 more, and three of all others.
    expect(lines).toHaveLength(202)
    limit.end()
    expect(lines.at(-1)).toMatchObject({ left_out: 798, kinds: { other: 798 } })
  },
)
