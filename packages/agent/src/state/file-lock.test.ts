import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileState } from '../node.js'
import { fileLock } from './file-lock.js'
import { type ChildMode, ended, startSharer } from './file-state.test.fixture.js'

let directory: string
let file: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-lock-'))
  file = join(directory, 'state.json')
})
afterEach(() => rm(directory, { recursive: true }))

const startChild = (mode: ChildMode, name: string, count: number): ChildProcess => startSharer(mode, file, name, count)

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

  test('get in though others that leave take the folder with them, between any two steps', async () => {
    const leaver = new Worker(
      `const { mkdirSync, rmdirSync } = require('node:fs')
       const { workerData } = require('node:worker_threads')
       for (;;) try { mkdirSync(workerData); rmdirSync(workerData) } catch { try { rmdirSync(workerData) } catch {} }`,
      { eval: true, workerData: `${file}.lock` },
    )
    await once(leaver, 'online')
    const lock = fileLock()
    for (let n = 0; n < 25; n++) expect(await lock(`${file}.lock`, stillHeld => stillHeld())).toBe(true)
    await leaver.terminate()
  })

  test('run one task at a time', async () => {
    await writeFile(file, '0')
    const children = ['a', 'b', 'c'].map(name => startChild('race', name, 20))
    await Promise.all(children.map(child => once(child.stdout ?? child, 'data')))
    await writeFile(`${file}.go`, '')
    expect(await Promise.all(children.map(ended))).toEqual([0, 0, 0])
    expect(await readFile(file, 'utf8')).toBe('60')
    expect(await readdir(directory)).toEqual(['state.json', 'state.json.go'])
  }, 30_000)

  test('a process that holds the lock keeps others out, and blocks none after it was killed', async () => {
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

describe('which processes are dead', () => {
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
      [expect.stringContaining(`${process.pid}.`)],
    ])
    expect(await readdir(directory)).toEqual([])
  })

  test('a process elsewhere that gives signs of life is alive, however old its file is', async () => {
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

  test('a process that was taken for dead notices before it writes', async () => {
    const noticed = await fileLock(timing)(folder(), async stillHeld => {
      for (const name of await readdir(folder())) await rm(join(folder(), name))
      return stillHeld()
    })
    expect(noticed).toBe(false)
  })

  test.skipIf(!existsSync('/proc/self/stat'))(
    'but not one known to live, stopped for however long; but one that was killed, and is a zombie',
    async () => {
      const parent = spawn('sh', ['-c', 'sleep 60 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'ignore'] })
      const [pid] = String((await once(parent.stdout, 'data'))[0]).split('\n')
      const stat = async (of: string | number | undefined) => (await readFile(`/proc/${of}/stat`, 'utf8')).split(' ')
      const [self = ''] = await fileLock(timing)(folder(), () => readdir(folder()))
      const named = async (of: string | number | undefined) =>
        self.replace(/^\d+\.\d+/, `${of}.${(await stat(of))[21]}`).replace(/[^-]+$/, '00')
      process.kill(Number(parent.pid), 'SIGSTOP')
      await standing(await named(parent.pid))
      const refused = fileLock({ ...timing, limit: 300 })(folder(), async () => 7)
      await expect(refused).rejects.toMatchObject({ code: 'state_unusable' })
      await rm(join(folder(), await named(parent.pid)))
      // Its parent is stopped, and does not ask for it.
      process.kill(Number(pid), 'SIGKILL')
      while ((await stat(pid))[2] !== 'Z') await new Promise(resolve => setImmediate(resolve))
      await standing(await named(pid))
      expect(await fileLock({ ...timing, limit: 0 })(folder(), async () => 7)).toBe(7)
      parent.kill('SIGKILL')
    },
  )

  test.each([
    ['its file', (own: string) => rm(own)],
    ['the whole folder', () => rm(folder(), { recursive: true })],
  ])('one that was taken for dead in line, %s deleted, joins anew instead of running unseen', async (_, remove) => {
    const living = `${process.ppid}-elsewhere-00`
    const other = await standing(living)
    const waiting = fileLock({ ...timing, silence: 5000 })(folder(), async stillHeld => {
      expect(await readdir(folder())).toEqual([expect.stringContaining(`${process.pid}.`)])
      return stillHeld()
    })
    const joined = async (): Promise<string> => (await readdir(folder())).find(name => name !== living) ?? ''
    while ((await joined()) === '') await new Promise(resolve => setImmediate(resolve))
    await remove(join(folder(), await joined()))
    await rm(other, { force: true })
    expect(await waiting).toBe(true)
  })

  test('waiting for a living process ends with an error', async () => {
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
