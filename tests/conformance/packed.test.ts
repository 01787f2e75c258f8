import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stand } from '../processes.fixture.js'
import { packSuite } from './packed-suite.fixture.js'
import { startSite } from './site.fixture.js'

// The suite as npm gives it to others: its tarball alone, in an empty folder, without a network.

const place = stand()
afterAll(() => place.stop())

let tarball: string
let installed: string

beforeAll(() => {
  tarball = packSuite(place.folder)
  installed = join(place.folder, 'empty')
  mkdirSync(installed, { recursive: true })
  writeFileSync(join(installed, 'package.json'), '{ "private": true }')
  execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', '--silent', tarball], { cwd: installed })
})

test('its tarball installs alone, in 800 kB, and imports nothing but Node', () => {
  expect(statSync(tarball).size).toBeLessThan(800_000)
  const { packages } = JSON.parse(readFileSync(join(installed, 'node_modules/.package-lock.json'), 'utf8'))
  expect(Object.keys(packages)).toEqual(['node_modules/@countersign/conformance'])
  const dist = join(installed, 'node_modules/@countersign/conformance/dist')
  const code = readdirSync(dist, { recursive: true, encoding: 'utf8' }).filter(file => file.endsWith('.js'))
  const imported = code.flatMap(file =>
    [...readFileSync(join(dist, file), 'utf8').matchAll(/(?:from|import\() ?'([^']+)'/g)].map(([, name = '']) => name),
  )
  expect(imported.length).toBeGreaterThan(100)
  expect(imported.filter(name => !/^(node:|\.\.?\/)/.test(name))).toEqual([])
})

test('npx alone runs it', () => {
  const { status, stdout, stderr } = spawnSync('npx', ['--offline', '-y', `file:${tarball}`, '--version'], {
    cwd: installed,
    encoding: 'utf8',
  })
  expect([status, stdout, stderr]).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/), ''])
})

test('it judges a process that shares no module with it, and merges what it found', async () => {
  const { url, configuration } = await startSite(place, 'node')
  const bin = join(installed, 'node_modules/.bin/countersign-conformance')
  writeFileSync(join(installed, 'offers.json'), JSON.stringify(configuration))
  const start = (...args: string[]) => spawnSync(bin, args, { cwd: installed, encoding: 'utf8' })
  const judged = start(
    'resource',
    url,
    '--config',
    'offers.json',
    '--group',
    'covered',
    '--out',
    'out',
    '--name',
    'Ours',
    '--verbose',
  )
  expect([judged.status, judged.stderr]).toEqual([0, ''])
  expect(judged.stdout).toContain('ok       COV-04 ')
  const merged = start('report', 'out', '--json')
  expect([merged.status, merged.stderr]).toEqual([0, ''])
  expect(JSON.parse(merged.stdout).implementations).toMatchObject([{ name: 'Ours' }])
  expect(start('report', 'offers.json')).toMatchObject({ status: 2, stdout: '' })
})
