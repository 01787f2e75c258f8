import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileState } from './file-state.js'
import { memoryState } from './state.js'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'countersign-state-'))
})
afterEach(() => rm(directory, { recursive: true }))

describe.each([
  ['memory', () => memoryState()],
  ['a file', () => fileState(join(directory, 'deep', 'state.json'))],
])('state in %s', (_, make) => {
  test('reads what was written, and nothing once removed', async () => {
    const state = make()
    expect(await state.read('a')).toBeUndefined()
    await state.write('a', { b: [1] })
    await state.write('__proto__', 'x')
    expect(await state.read('a')).toEqual({ b: [1] })
    await state.remove('a')
    expect(await state.read('a')).toBeUndefined()
  })

  test('loses none of many writes at once', async () => {
    const state = make()
    await Promise.all(Array.from({ length: 30 }, (_, n) => state.write(`k${n}`, n)))
    expect(await Promise.all(Array.from({ length: 30 }, (_, n) => state.read(`k${n}`)))).toEqual(
      Array.from({ length: 30 }, (_, n) => n),
    )
  })
})

describe('the state file', () => {
  test('is readable by its owner only, never half written, and leaves no files beside it', async () => {
    const path = join(directory, 'deep', 'state.json')
    const state = fileState(path)
    await state.write('a', 1)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await stat(join(directory, 'deep'))).mode & 0o777).toBe(0o700)
    const writes = Promise.all(Array.from({ length: 20 }, (_, n) => state.write('a', 'x'.repeat(n * 1000))))
    for (let n = 0; n < 20; n++) expect(JSON.parse(await readFile(path, 'utf8'))).toHaveProperty('a')
    await writes
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ a: 'x'.repeat(19_000) })
    expect(await readdir(join(directory, 'deep'))).toEqual(['state.json'])
    expect(await fileState(path).read('a')).toBe('x'.repeat(19_000))
  })

  test('is refused when others can read it, or when it is damaged', async () => {
    const path = join(directory, 'state.json')
    await fileState(path).write('a', 'secret')
    await chmod(path, 0o640)
    await expect(fileState(path).read('a')).rejects.toMatchObject({ code: 'state_unusable' })
    await expect(fileState(path).write('a', 1)).rejects.toMatchObject({ code: 'state_unusable' })
    await chmod(path, 0o600)
    expect(await fileState(path).read('a')).toBe('secret')
    for (const text of ['{"a":"secret"', '[]', '1', '']) {
      await writeFile(path, text)
      const error = await fileState(path)
        .read('a')
        .catch((thrown: Error) => thrown)
      expect(error).toMatchObject({ code: 'state_unusable' })
      expect(JSON.stringify(error)).not.toContain('secret')
    }
  })

  test('~ is the home directory', async () => {
    const name = `.countersign-test-${process.pid}`
    try {
      await fileState(`~/${name}`).write('a', 1)
      expect(JSON.parse(await readFile(join(homedir(), name), 'utf8'))).toEqual({ a: 1 })
    } finally {
      await rm(join(homedir(), name), { force: true })
    }
  })
})
