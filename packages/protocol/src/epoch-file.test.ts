import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@countersign/testing/folders'
import { expect, test } from 'vitest'
import { epochFile } from './epoch-file.js'

const folder = temporaryFolder()

test('keeps the latest mark of a database in a file that only its owner can read', async () => {
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

test('a damaged file is an error, and not taken for a missing one', async () => {
  const path = join(folder, 'damaged.json')
  for (const text of ['', '{', '{"database":"a"}', '{"database":"a","epoch":"1"}', '{"database":1,"epoch":1}', '[]']) {
    writeFileSync(path, text)
    await expect(epochFile(path).read(), text).rejects.toThrow('is damaged')
    await expect(epochFile(path).write({ database: 'a', epoch: 1 }), text).rejects.toThrow('is damaged')
  }
})
