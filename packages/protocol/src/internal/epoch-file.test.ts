import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { epochFile } from './epoch-file.js'

const folder = mkdtempSync(join(tmpdir(), 'countersign-epoch-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('keeps the furthest mark of a database in a file of its owner', async () => {
  const own = mkdtempSync(join(folder, 'one-'))
  const path = join(own, 'epoch.json')
  const file = epochFile(path)
  expect(await file.read()).toBeUndefined()
  await file.write({ database: 'a', epoch: 5 })
  await file.write({ database: 'a', epoch: 4 })
  expect(await epochFile(path).read()).toEqual({ database: 'a', epoch: 5 })
  await file.write({ database: 'b', epoch: 1 })
  expect(readFileSync(path, 'utf8')).toBe('{"database":"b","epoch":1}\n')
  if (process.platform !== 'win32') expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(readdirSync(own)).toEqual(['epoch.json'])
})

test('a file that is damaged is no missing one', async () => {
  const path = join(folder, 'damaged.json')
  for (const text of ['', '{', '{"database":"a"}', '{"database":"a","epoch":"1"}', '{"database":1,"epoch":1}', '[]']) {
    writeFileSync(path, text)
    await expect(epochFile(path).read(), text).rejects.toThrow('is damaged')
    await expect(epochFile(path).write({ database: 'a', epoch: 1 }), text).rejects.toThrow('is damaged')
  }
})
