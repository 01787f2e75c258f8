import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { sodium, sodiumMissing } from '@countersign/testing/sodium'
import { expect, onTestFinished, test } from 'vitest'
import { commandOfModules, countersign, run, stand } from './processes.fixture.js'
import { countedSodium, tries } from './sodium.fixture.js'

// The published command is a bundle of the modules that a checkout has one by one.

const command = countersign
const folder = join(command, '../..')

test.each([
  [['--version']],
  [['--help']],
  [['auth-server', '--help']],
  [['mcp-bridge', '--help']],
  [['conformance', '--help']],
  [['schema', 'agent-server']],
  [['gateway', '--nonsense']],
])('%j: the bundle prints what the modules print', async args => {
  const [bundled, modules] = await Promise.all([run(args, {}, command), run(args, {}, commandOfModules)])
  expect(bundled).toEqual(modules)
  expect(bundled.stdout + bundled.stderr).not.toBe('')
})

test.each([
  ['auth-server', '/.well-known/aauth-issuer', []],
  ['agent-server', '/.well-known/aauth-agent', []],
  ['gateway', '/.well-known/aauth-resource', ['--upstream', 'http://localhost:9', '--level', 'pseudonymous']],
])('the bundled %s serves its metadata', async (name, path, more) => {
  const place = stand()
  onTestFinished(() => place.stop())
  const port = await freePort()
  const id = `http://localhost:${port}`
  const args = [name, '--id', id, '--port', String(port), '--development', '--data', join(place.folder, name), ...more]
  await place.start(name, args, { program: [process.execPath, command] })
  const answer = await fetch(id + path)
  expect([answer.status, await answer.json()]).toMatchObject([200, {}])
})

test('a reader that goes away ends the command without a word', async () => {
  const child = spawn(process.execPath, [command, 'auth-server', '--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  const said = child.stderr.setEncoding('utf8').toArray()
  const [code] = await once(child, 'exit')
  expect([code, await said]).toEqual([141, []])
})

test('without the native part of SQLite a server says so, and makes nothing', async () => {
  const place = stand()
  onTestFinished(() => place.stop())
  const missing = join(place.folder, 'missing.cjs')
  writeFileSync(
    missing,
    `const Module = require('node:module')
    const resolve = Module._resolveFilename
    Module._resolveFilename = (name, ...more) => resolve(name.startsWith('@libsql/') ? 'not-there' : name, ...more)`,
  )
  const data = join(place.folder, 'auth')
  const args = ['auth-server', '--id', 'http://localhost:1', '--port', '1', '--development', '--data', data]
  const { code, stderr } = await run(args, { NODE_OPTIONS: `--require=${missing}` }, command)
  expect(stderr).toMatch(/^countersign: the native part of SQLite is not installed: .*\n$/)
  expect([code, existsSync(join(data, 'keys.json'))]).toEqual([2, false])
})

test.skipIf(sodium === undefined)(`the bundled gateway finds libsodium${sodiumMissing}`, async () => {
  const place = stand()
  onTestFinished(() => place.stop())
  const port = await freePort()
  const counter = countedSodium(place.folder)
  const more = { upstream: 'http://localhost:9', level: 'pseudonymous', ed25519: 'sodium' }
  const args = place.config('gateway', { id: `http://localhost:${port}`, port, ...more })
  const gateway = await place.start('gateway', args, { program: [process.execPath, command], env: counter.env })
  expect(counter.count().get(gateway.pid ?? 0)).toBeGreaterThanOrEqual(tries)
})

test('the bundled auth server has the files of the admin page', async () => {
  const place = stand()
  onTestFinished(() => place.stop())
  const [port, admin] = [await freePort(), await freePort()]
  const args = ['--id', `http://localhost:${port}`, '--port', String(port), '--admin-port', String(admin)]
  const data = ['--development', '--data', join(place.folder, 'auth')]
  await place.start('auth', ['auth-server', ...args, ...data], { program: [process.execPath, command] })
  const page = await (await fetch(`http://localhost:${admin}/`)).text()
  const script = /src="([^"]+\.js)"/.exec(page)?.[1]
  expect((await fetch(new URL(script ?? '', `http://localhost:${admin}/`))).status).toBe(200)
})

test('V8 can keep every file in one byte a character', () => {
  const texts = scripts().map(file => readFileSync(file, 'utf8'))
  expect(texts.length).toBeGreaterThan(50)
  expect(texts.filter(text => [...text].some(one => one.charCodeAt(0) > 255))).toEqual([])
})

test('the licence of each library is in the bundle, and allows it', () => {
  const text = readFileSync(join(folder, 'bundle/LICENSES.txt'), 'utf8')
  const [first = '', ...others] = text.split(`\n${'-'.repeat(80)}\n\n`)
  const entries = [first, ...others]
  expect(entries.length).toBeGreaterThan(15)
  for (const entry of entries) {
    expect(entry).toMatch(/^\S+ \d+\.\d+\.\d+: (?:MIT|ISC|Apache-2\.0|BSD-[23]-Clause|0BSD)\n/)
    expect(entry, entry.split('\n')[0]).toMatch(/permission|license/i)
  }
  expect(text).toMatch(/^zod /m)
})

function scripts(): string[] {
  const bundle = join(folder, 'bundle')
  return readdirSync(bundle)
    .filter(file => file.endsWith('.js'))
    .map(file => join(bundle, file))
}
