import { statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from '@countersign/testing/folders'
import { expect, test } from 'vitest'
import { makeFolder, UsageError } from './internal.js'

const place = temporaryFolder()

const modeOf = (path: string): number => statSync(path).mode & 0o077

test('makes a folder and its parents, and leaves one that exists', () => {
  const folder = join(place, 'a/b/c')
  for (let times = 0; times < 2; times++) makeFolder(folder, 'owner')
  expect([folder, join(place, 'a/b')].map(modeOf)).toEqual([0, 0])
  makeFolder(join(place, 'public'), 'all')
  expect(modeOf(join(place, 'public'))).toBe(0o077 & ~process.umask())
})

test('says which folder cannot be made and why, and does not loop', () => {
  const file = join(place, 'file')
  writeFileSync(file, '')
  for (const [path, why] of [
    [file, 'there is a file of that name'],
    [join(file, 'below'), 'a part of its path is no folder'],
    ['/proc/none', 'there is no such file or folder'],
    ['/proc/none/below', 'there is no such file or folder'],
  ] as const) {
    expect(() => makeFolder(path, 'owner')).toThrow(`cannot make the folder ${path}: ${why}`)
    expect(() => makeFolder(path, 'owner')).toThrow(UsageError)
  }
})
