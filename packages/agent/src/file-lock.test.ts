import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileLock } from './file-lock.js'
import { fileState } from './node.js'

let directory: string
let file: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-lock-'))
  file = join(directory, 'state.json')
})
afterEach(() => rm(directory, { recursive: true }))

const loader = `
import { runnerImport } from 'vite'
const conditions = ['@countersign/source', 'node', 'module', 'default']
await runnerImport(process.env.CHILD, {
  configFile: false, root: process.env.ROOT, resolve: { conditions }, ssr: { resolve: { conditions } },
})`

/** Another process that shares the state, from its source. */
function startChild(mode: 'share' | 'hold', name: string, count: number): ChildProcess {
  const child = spawn(process.execPath, ['--input-type=module', '-', mode, file, name, String(count)], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    env: {
      ...process.env,
      CHILD: fileURLToPath(new URL('./file-state.test.child.ts', import.meta.url)),
      ROOT: fileURLToPath(new URL('..', import.meta.url)),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin?.end(loader)
  return child
}

async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  return child.exitCode
}

describe('processes that share a state file', () => {
  test('lose no write of each other, and count right', async () => {
    const children = [startChild('share', 'a', 12), startChild('share', 'b', 12)]
    await Promise.all(children.map(child => once(child.stdout ?? child, 'data')))
    await writeFile(`${file}.go`, '')
    const state = fileState(file)
    for (let n = 0; n < 12; n++)
      await state.exclusively?.('counter', async () => {
        const value = (await state.read('counter')) as number | undefined
        await state.write('counter', (value ?? 0) + 1)
      })
    expect(await Promise.all(children.map(ended))).toEqual([0, 0])
    expect(await state.read('counter')).toBe(36)
    for (let n = 0; n < 12; n++) expect([await state.read(`a ${n}`), await state.read(`b ${n}`)]).toEqual([n, n])
    expect(await readdir(directory)).toEqual(['state.json', 'state.json.go'])
  }, 30_000)

  test('one that holds the lock keeps others out, and blocks nobody once it was killed', async () => {
    const child = startChild('hold', 'a', 1)
    await once(child.stdout ?? child, 'data')
    const state = fileState(file)
    let ran = false
    const task = state.exclusively?.('counter', async () => {
      ran = true
    })
    // Neither another name nor a plain write waits for it.
    expect(await state.exclusively?.('other', async () => 7)).toBe(7)
    await state.write('a', 1)
    expect(ran).toBe(false)
    child.kill('SIGKILL')
    await ended(child)
    await task
    expect(ran).toBe(true)
    expect(await readdir(directory)).toEqual(['state.json'])
  }, 30_000)
})

describe('who is dead', () => {
  const folder = () => join(directory, 'lock')
  const standing = async (name: string, text = '1\n'): Promise<string> => {
    await mkdir(folder(), { recursive: true })
    await writeFile(join(folder(), name), text)
    return join(folder(), name)
  }
  const timing = { beat: 10, silence: 60, limit: 5000 }

  test.each([
    ['with a number', '1\n'],
    ['that fell while it looked for one', ''],
    ['that fell while it wrote one', '1'],
  ])('one elsewhere, %s, of whom nothing is heard', async (_, text) => {
    await standing('1-elsewhere-00', text)
    expect(await fileLock(timing)(folder(), async stillHeld => [await stillHeld(), await readdir(folder())])).toEqual([
      true,
      [expect.stringContaining(`${process.pid}-`)],
    ])
    expect(await readdir(directory)).toEqual([])
  })

  test('but not one elsewhere that gives signs of life, however old it is by the clock', async () => {
    const other = await standing('1-elsewhere-00')
    let old = 1_000_000
    const beat = setInterval(() => void utimes(other, old, old++).catch(() => undefined), 5)
    let ran = false
    const waiting = fileLock(timing)(folder(), async () => {
      ran = true
    })
    await new Promise(resolve => setTimeout(resolve, 250))
    expect(ran).toBe(false)
    clearInterval(beat)
    await rm(other)
    await waiting
    expect(ran).toBe(true)
  })

  test('one that was taken for dead notices before it writes', async () => {
    const noticed = await fileLock(timing)(folder(), async stillHeld => {
      for (const name of await readdir(folder())) await rm(join(folder(), name))
      return stillHeld()
    })
    expect(noticed).toBe(false)
  })

  test('and nobody waits for the living without end', async () => {
    const other = await standing('1-elsewhere-00')
    let at = 1_000_000
    const beat = setInterval(() => void utimes(other, at, at++).catch(() => undefined), 5)
    const refused = fileLock({ ...timing, limit: 100 })(folder(), async () => 7)
    await expect(refused).rejects.toMatchObject({ code: 'state_unusable' })
    clearInterval(beat)
    expect(await readdir(folder())).toEqual(['1-elsewhere-00'])
  })
})

test('a task that fails lets go', async () => {
  const state = fileState(file)
  await expect(state.exclusively?.('a', () => Promise.reject(new RangeError('no')))).rejects.toThrow(RangeError)
  expect(await fileState(file).exclusively?.('a', async () => 7)).toBe(7)
})
