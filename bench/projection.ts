import { projectJson } from '@countersign/conditions'
import { type Result, result } from './result.js'

const rounds = 200

/** A response of some 100 KiB: messages with what mail has, escapes among it. */
function inbox(): string {
  const items = Array.from({ length: 480 }, (_, id) => ({
    ...{ id, title: `Message ${id}`, body: 'x'.repeat(100), amount: id * 1.25 },
    ...{ tags: ['a', `"${id}"`], from: { name: 'Ada', mail: 'ada@example.com' } },
  }))
  return JSON.stringify({ items, next: null })
}

/** The shortest of several runs, in milliseconds: what else the machine does is no cost of the code. */
function shortest(run: () => unknown): number {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    run()
    least = Math.min(least, performance.now() - start)
  }
  return least
}

/** What a `data` condition costs an answer. */
export function projectionRows(): readonly Result[] {
  const text = inbox()
  const bytes = new TextEncoder().encode(text)
  const fields = [['/items/*/title', '/items/*/from'], ['/items']]
  const baseline = shortest(() => JSON.stringify(JSON.parse(text)))
  const cost = shortest(() => projectJson(bytes, fields))
  const row = { id: 'data, projection of 100 KiB', inFlight: 1, budget: 3 }
  const detail = `× JSON.parse and JSON.stringify of ${Math.round(bytes.length / 1024)} KiB; ${cost.toFixed(2)} ms here`
  return [result({ ...row, ratio: cost / baseline, detail })]
}
