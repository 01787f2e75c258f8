import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ended, startSharer } from '../packages/agent/src/state/file-state.test.fixture.js'

test('no count is lost among 12 processes, while others that hold the lock are killed', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'countersign-state-file-'))
  const file = join(directory, 'count')
  await writeFile(file, '0')
  const counters = Array.from({ length: 12 }, (_, n) => startSharer('race', file, String(n), 80))
  await Promise.all(counters.map(child => once(child.stdout ?? child, 'data')))
  await writeFile(`${file}.go`, '')
  let running = true
  const counted = Promise.all(counters.map(ended)).finally(() => {
    running = false
  })
  let killed = 0
  for (; running; killed++) {
    const holder = startSharer('seize', file, 'k', 1)
    // Killed while it starts, joins, waits, or holds: whatever it is at.
    await Promise.race([
      once(holder.stdout ?? holder, 'data'),
      new Promise(resolve => setTimeout(resolve, 400 + Math.random() * 800)),
    ])
    holder.kill('SIGKILL')
    await ended(holder)
  }
  expect(killed).toBeGreaterThan(0)
  expect(await counted).toEqual(counters.map(() => 0))
  expect(await readFile(file, 'utf8')).toBe('960')
  // The last killed process left its lock file; the next process removes it.
  const next = startSharer('race', file, 'next', 1)
  expect(await ended(next)).toBe(0)
  expect((await readdir(directory)).filter(name => name.startsWith('count.lock'))).toEqual([])
  await rm(directory, { recursive: true })
})
