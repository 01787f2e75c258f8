import { type ChildProcess, spawn } from 'node:child_process'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { verifies } from '@countersign/requirements'
import { temporaryFolder } from '@countersign/testing/folders'
import { expect, test } from 'vitest'
import { openStore } from './index.js'

const folder = temporaryFolder()

const loader = `
import { runnerImport } from 'vite'
const conditions = ['@countersign/source', 'node', 'module', 'default']
await runnerImport(process.env.CHILD, {
  configFile: false, root: process.env.ROOT, resolve: { conditions }, ssr: { resolve: { conditions } },
})`

interface Child {
  readonly process: ChildProcess
  readonly acknowledged: number[]
  readonly ended: Promise<number | null>
}

/** Starts the writing child from its source. */
function startChild(url: string, first: number, count: number): Child {
  const child = spawn(process.execPath, ['--input-type=module', '-', String(first), String(count), url], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    env: {
      ...process.env,
      CHILD: fileURLToPath(new URL('./writer.test.child.ts', import.meta.url)),
      ROOT: fileURLToPath(new URL('..', import.meta.url)),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin?.end(loader)
  const acknowledged: number[] = []
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    acknowledged.push(...lines.map(Number))
  })
  return { process: child, acknowledged, ended: new Promise(resolve => child.once('close', resolve)) }
}

async function idsIn(url: string): Promise<number[]> {
  const store = await openStore<{ rows: { id: number } }>({
    url,
    room: 'child',
    migrations: [{ name: '001', up: async () => {} }],
  })
  const rows = await store.db.selectFrom('rows').select('id').orderBy('id').execute()
  await store.close()
  return rows.map(row => row.id)
}

test(verifies('F-09', 'F-08', 'a process killed at any moment loses no write it acknowledged'), {
  timeout: 60_000,
}, async () => {
  const url = `sqlite:${join(folder, 'killed.db')}`
  let total = 0
  for (const round of [0, 1, 2]) {
    const child = startChild(url, round * 1_000_000, 1_000_000)
    while (child.acknowledged.length < 200 + round * 77) await new Promise(resolve => setTimeout(resolve, 5))
    child.process.kill('SIGKILL')
    await child.ended
    const stored = new Set(await idsIn(url))
    expect(child.acknowledged.length).toBeGreaterThan(100)
    expect(child.acknowledged.filter(id => !stored.has(id))).toEqual([])
    total += child.acknowledged.length
    // At most the writes under way may be stored beyond those acknowledged; 8 lanes a round, and what the pipe held.
    expect(stored.size).toBeGreaterThanOrEqual(total)
  }
})

test('two processes that open and write one new file at once neither deadlock nor lose a row', {
  timeout: 60_000,
}, async () => {
  const url = `sqlite:${join(folder, 'shared.db')}`
  const children = [startChild(url, 0, 400), startChild(url, 1000, 400)]
  expect(await Promise.all(children.map(child => child.ended))).toEqual([0, 0])
  const expected = [0, 1000].flatMap(first => Array.from({ length: 400 }, (_, index) => first + index))
  expect(await idsIn(url)).toEqual(expected)
  expect(children.flatMap(child => child.acknowledged).sort((a, b) => a - b)).toEqual(expected)
})

test('two stores of one process keep their write-ahead log when another process opens and closes the file', {
  timeout: 60_000,
}, async () => {
  const file = join(folder, 'rooms.db')
  const url = `sqlite:${file}`
  expect(await startChild(url, 1000, 1).ended).toBe(0)
  const open = (room: string): ReturnType<typeof openStore> =>
    openStore({ url, room, migrations: [{ name: '001', up: async () => {} }] })
  const stores = [await open('child'), await open('other')]
  const log = statSync(`${file}-wal`).ino
  // The last connection to a file deletes its log: without the locks of this process, that would be the child's.
  expect(await startChild(url, 2000, 1).ended).toBe(0)
  expect(statSync(`${file}-wal`).ino).toBe(log)
  for (const store of stores) await store.close()
  expect(await idsIn(url)).toEqual([1000, 2000])
})
