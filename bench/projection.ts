import { projectJson } from '@countersign/conditions'
import { type Result, result } from './result.js'

/** A response of some 100 KiB: messages with what mail has, escapes among it. */
function inbox(): string {
  const items = Array.from({ length: 480 }, (_, id) => ({
    id,
    title: `Message ${id}`,
    body: 'x'.repeat(100),
    amount: id * 1.25,
    tags: ['a', `"${id}"`],
    from: { name: 'Ada', mail: 'ada@example.com' },
  }))
  return JSON.stringify({ items, next: null })
}

/** The shortest of several runs, in milliseconds: what else the machine does is no cost of the code. */
function shortest(run: () => unknown, rounds: number): number {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    run()
    least = Math.min(least, performance.now() - start)
  }
  return least
}

/** Reads and writes the same bytes without conditions. */
function baseline(bytes: Uint8Array): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(JSON.parse(new TextDecoder().decode(bytes))))
}

/** Answers of 1 MiB, the longest that are projected, in the forms that cost most for their length. */
const longest: ReadonlyArray<readonly [text: string, fields: readonly string[]]> = [
  [`[${'1,'.repeat(524_286)}1]`, ['/*/x']],
  [`[${'{"a":1},'.repeat(131_070)}{}]`, ['/*/b']],
  [`{"a":"${'\\n'.repeat(524_270)}","b":1}`, ['/b']],
  [`{"a":"${'é'.repeat(524_270)}","b":1}`, ['/b']],
]

function ratioOf(text: string, fields: ReadonlyArray<readonly string[]>, runs: number): Measured {
  const bytes = new TextEncoder().encode(text)
  const cost = shortest(() => projectJson(bytes, fields), runs)
  return { kib: Math.round(bytes.length / 1024), cost, ratio: cost / shortest(() => baseline(bytes), runs) }
}

interface Measured {
  readonly kib: number
  readonly cost: number
  readonly ratio: number
}

/** What a `data` condition costs an answer. */
export function projectionRows(): readonly Result[] {
  const usual = ratioOf(inbox(), [['/items/*/title', '/items/*/from'], ['/items']], 200)
  const [worst] = longest.map(([text, fields]) => ratioOf(text, [fields], 20)).sort((a, b) => b.ratio - a.ratio)
  return [
    rowOf('data, projection of 100 KiB', usual),
    ...(worst === undefined ? [] : [rowOf('data, projection of 1 MiB, the costliest form', worst)]),
  ]
}

function rowOf(id: string, { kib, cost, ratio }: Measured): Result {
  const detail = `× JSON.parse and JSON.stringify of the same ${kib} KiB of bytes; ${cost.toFixed(2)} ms here`
  return result({ id, inFlight: 1, budget: 3, ratio, detail })
}
