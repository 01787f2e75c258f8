import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, expect, test } from 'vitest'
import { packages } from '../scripts/packages.mjs'
import { root } from './processes.fixture.js'

const folder = mkdtempSync(join(tmpdir(), 'countersign-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('the API reference is written without a fault, a page for each public entry point', async () => {
  // TypeDoc comes from npm the first time.
  await promisify(execFile)(process.execPath, [join(root, 'scripts/api-reference.mjs'), folder])
  const names = packages()
    .filter(({ room }) => room.startsWith('packages/'))
    .flatMap(({ manifest }) => Object.keys(manifest.exports ?? {}).map(subpath => manifest.name + subpath.slice(1)))
    .filter(name => !name.includes('/internal'))
  expect(names.length).toBeGreaterThan(30)
  expect(names.filter(name => !existsSync(join(folder, `${name}.md`)))).toEqual([])
})
