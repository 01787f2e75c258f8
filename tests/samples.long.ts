import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { scriptedUser } from '@countersign/playground'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { end, root, type Stand, stand } from './processes.fixture.js'

// The README's samples as a reader uses them: packed packages, an empty project, the compiler, Node.

const execute = promisify(execFile)
let place: Stand
let project: string

/** The code blocks of a page that have a file name. */
function samples(page = 'README.md'): Map<string, string> {
  const readme = readFileSync(join(root, page), 'utf8')
  return new Map(
    [...readme.matchAll(/^```(?:ts|json) (\S+)\n([\s\S]*?)^```$/gm)].map(([, name = '', code = '']) => [name, code]),
  )
}

/** Every package that is published, each as the tarball npm would upload. */
async function pack(into: string): Promise<string[]> {
  const rooms = ['packages', 'apps'].flatMap(top => readdirSync(join(root, top)).map(name => join(root, top, name)))
  await execute('npm', ['pack', '--silent', '--pack-destination', into, ...rooms], { cwd: root })
  return readdirSync(into).map(file => join(into, file))
}

const adaptersPage = 'packages/resource/README.md'
const gatewayPage = 'docs/gateway.md'
const mcpPage = 'docs/mcp.md'

/** A package at the version that the tests of the rooms use. */
function versioned(name: string): string {
  const versions = ['package.json', 'packages/resource/package.json'].map(
    file => (JSON.parse(readFileSync(join(root, file), 'utf8')) as Manifest).devDependencies[name],
  )
  return `${name}@${versions.find(version => version !== undefined)}`
}

interface Manifest {
  readonly devDependencies: Readonly<Record<string, string | undefined>>
}

beforeAll(async () => {
  place = stand()
  project = join(place.folder, 'project')
  const tarballs = join(place.folder, 'tarballs')
  mkdirSync(project)
  mkdirSync(tarballs)
  writeFileSync(join(project, 'package.json'), JSON.stringify({ name: 'reader', private: true, type: 'module' }))
  const files = await pack(tarballs)
  const frameworks = [
    'hono',
    '@hono/node-server',
    'express',
    'fastify',
    '@types/express',
    '@types/node',
    'jose',
    '@modelcontextprotocol/sdk',
  ]
  await execute(
    'npm',
    ['install', '--no-audit', '--no-fund', '--prefer-offline', ...files, ...frameworks.map(versioned), 'zod@4'],
    { cwd: project },
  )
  for (const [name, code] of samples()) writeFileSync(join(project, name), code)
  mkdirSync(join(project, 'adapters'))
  for (const [name, code] of samples(adaptersPage)) writeFileSync(join(project, 'adapters', name), code)
  for (const [folder, page] of [
    ['gateway', gatewayPage],
    ['mcp', mcpPage],
  ] as const) {
    mkdirSync(join(project, folder))
    for (const [name, code] of samples(page)) writeFileSync(join(project, folder, name), code)
  }
  const options = { module: 'nodenext', target: 'es2023', strict: true, skipLibCheck: false, types: ['node'] }
  writeFileSync(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, include: ['*.ts', 'adapters/*.ts', 'gateway/*.ts'] }),
  )
  // The MCP page brings its own configuration.
  for (const folder of [project, join(project, 'mcp')])
    await execute(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder])
}, 180_000)

afterAll(() => place.stop())

test('the samples compile, run from packed tarballs, and the agent gets its events', async () => {
  expect([...samples().keys()]).toEqual(['calendar.ts', 'auth.ts', 'agent.ts'])
  const command = join(project, 'node_modules/.bin/countersign')
  const home = { HOME: project }
  const server = ['agent-server', '--id', 'http://localhost:5110', '--development']
  await place.start('agent-server', [...server, '--port', '5110'], { program: [command], env: home })
  await place.start('auth-server', [], { program: [process.execPath, 'auth.js'], cwd: project })
  await place.start('calendar', [], {
    program: [process.execPath, '--import', listening, 'calendar.js'],
    cwd: project,
  })
  const { stdout: invited } = await execute(command, ['agent-server', 'invite', ...server.slice(1)], {
    env: { ...process.env, ...home },
  })
  const { code } = JSON.parse(invited) as { code: string }
  const first = await execute(process.execPath, ['agent.js', code], { cwd: project })
  expect(first.stdout).toContain('Chess at eight')
  const second = await execute(process.execPath, ['agent.js', code], { cwd: project })
  expect(second.stdout).toContain('Chess at eight')
})

test('every adapter, in its framework, asks who calls, and lets in who has signed what came', async () => {
  const pages = ['hono.ts', 'calendar.ts', 'express.ts', 'fastify.ts', 'node.ts', 'fetch.ts']
  expect([...samples(adaptersPage).keys()]).toEqual(pages)
  writeFileSync(join(project, 'adapters', 'ask.mjs'), asking)
  const { stdout } = await execute(process.execPath, ['ask.mjs'], { cwd: join(project, 'adapters') })
  const answers = {
    resource: 'https://calendar.example',
    unsigned: [401, 'httpsig; identity=?1'],
    another: [401, 'invalid_signature'],
    signed: [200, { wish: 'more tea' }],
    again: [401, 'replay_detected'],
  }
  const frameworks = ['hono', 'express', 'fastify', 'node', 'fetch']
  expect(JSON.parse(stdout)).toEqual(Object.fromEntries(frameworks.map(name => [name, answers])))
})

/** Serves each sample and asks it for its metadata and, unsigned, for events; then posts what was signed, and what was not. */
const asking = `
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateSigningKey, signRequest } from '@countersign/httpsig'
import { createAdaptorServer } from '@hono/node-server'
import express from './express.js'
import fastify from './fastify.js'
import fetching from './fetch.js'
import hono from './hono.js'
import node from './node.js'
const key = await generateSigningKey()
const signed = async body => {
  const headers = [['content-type', 'application/json']]
  const request = { method: 'POST', url: 'https://calendar.example/feedback', headers, body: new TextEncoder().encode(body) }
  const added = await signRequest({ ...request, key, signatureKey: { scheme: 'hwk', jwk: key.publicJwk } })
  return { method: 'POST', headers: [...headers, ...added], body }
}
const ask = async send => {
  const { resource } = await (await send('/.well-known/aauth-resource')).json()
  const refused = await send('/events')
  const post = await signed('{ "wish": "more tea" }')
  const error = async answer => [answer.status, (await answer.json()).error]
  const another = await error(await send('/feedback', { ...post, body: '{ "wish": "a pony" }' }))
  const passed = await send('/feedback', post)
  return {
    resource,
    unsigned: [refused.status, refused.headers.get('agent-auth')],
    another,
    signed: [passed.status, await passed.json()],
    again: await error(await send('/feedback', post)),
  }
}
const over = async server => {
  await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
  const answers = await ask((path, init) => fetch('http://127.0.0.1:' + server.address().port + path, init))
  server.closeAllConnections()
  server.close()
  return answers
}
await fastify.ready()
// In the second of its start a guard cannot tell what was signed before.
await sleep(1100)
console.log(JSON.stringify({
  hono: await over(createAdaptorServer({ fetch: hono.fetch })),
  express: await over(createServer(express)),
  fastify: await over(fastify.server),
  node: await over(node),
  fetch: await ask((path, init) => fetching.fetch(new Request('https://calendar.example' + path, init))),
}))
`

/** The calendar sample says nothing when it listens, so its process is asked to. */
const listening = `data:text/javascript,${encodeURIComponent(`
import { Server } from 'node:net'
const listen = Server.prototype.listen
Server.prototype.listen = function (...args) { this.once('listening', () => console.log(' ready at ')); return listen.apply(this, args) }
`)}`

test('the MCP tutorial: open to all, to agents that say who they are, and with a user who agrees to one tool', async () => {
  const folder = join(project, 'mcp')
  const command = join(project, 'node_modules/.bin/countersign')
  const home = { HOME: folder }
  const identity = ['--id', 'http://localhost:5310', '--development']
  const started = (file: string) => place.start(file, [], { program: [process.execPath, `${file}.js`], cwd: folder })
  const open = await started('open')
  await place.start('agent-server', ['agent-server', ...identity, '--port', '5310', '--localhost-callback'], {
    ...{ program: [command], env: home },
  })
  const { stdout: invited } = await execute(command, ['agent-server', 'invite', ...identity], {
    env: { ...process.env, ...home },
  })
  const { code } = JSON.parse(invited) as { code: string }
  const client = (...args: string[]) => clientOf(folder, args)
  expect((await client(code, 'list_notes')).stdout).toContain('Chess at eight')

  await end(open, 'SIGTERM')
  const known = await started('known')
  // In the second of its start a guard cannot tell what was signed before.
  await new Promise(resolve => setTimeout(resolve, 1100))
  const listed = await client(code, 'list_notes')
  expect(listed.stdout).toContain('list_notes {"aauth/requires":{"level":"identified"},"aauth/allowed":true}')
  expect(listed.stdout).toContain('Chess at eight')
  const unsigned = await fetch('http://localhost:5330/mcp', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"jsonrpc":"2.0","id":1,"method":"tools/list"}',
  })
  expect([unsigned.status, unsigned.headers.get('agent-auth')]).toEqual([401, 'httpsig; identity=?1'])

  await end(known, 'SIGTERM')
  await started('auth')
  await started('consent')
  await new Promise(resolve => setTimeout(resolve, 1100))
  const { stdout, links } = await client('-', 'send_email', 'whoami')
  expect(stdout).toContain(
    'send_email {"aauth/requires":{"level":"authorized","scope":"mail.send"},"aauth/allowed":false}',
  )
  expect(stdout).toContain('send_email [{"type":"text","text":"sent to ada@example.org"}]')
  expect(stdout).toMatch(/whoami .*http:\/\/localhost:5310 for \S+"/)
  expect(links).toHaveLength(1)
})

/** Runs the tutorial's client, and clicks in its user's place where it prints a link. */
async function clientOf(folder: string, args: readonly string[]): Promise<{ stdout: string; links: string[] }> {
  const child = spawn(process.execPath, ['client.js', ...args], { cwd: folder })
  const links: string[] = []
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', chunk => {
    stdout += chunk
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
    const [link] = /http:\/\/localhost:5320\S+/.exec(stderr) ?? []
    if (link === undefined || links.includes(link)) return
    links.push(link)
    void scriptedUser('Ada Lovelace').decide(link, 'Allow')
  })
  const status = await new Promise(resolve => child.once('close', resolve))
  expect(status, stderr).toBe(0)
  return { stdout, links }
}

test('no package ships a test, a fixture or build state', () => {
  const scope = join(project, 'node_modules/@countersign')
  const files = readdirSync(scope, { recursive: true }).map(String)
  expect(files.length).toBeGreaterThan(100)
  expect(files.filter(file => /\.test\.|fixture|tsbuildinfo/.test(file))).toEqual([])
  for (const name of readdirSync(scope)) expect(existsSync(join(scope, name, 'package.json')), name).toBe(true)
})
