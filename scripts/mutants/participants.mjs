// Starts what a mutant is judged in: a process of its own, with one built file replaced.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import {
  agentProgram,
  identifiedOffers,
  libraryOffers,
  playedAroundAgent,
} from '../../tests/conformance/agent-offers.fixture.mjs'
import {
  authServerOffers,
  authServerSettings,
  playedAroundAuthServer,
} from '../../tests/conformance/auth-server-settings.fixture.mjs'
import { gatewayOffers, gatewaySettings, startUpstream } from '../../tests/conformance/gateway-settings.fixture.mjs'
import { playedAroundResource, siteOffers } from '../../tests/conformance/site-offers.fixture.mjs'
import { root } from '../install.mjs'

const countersign = join(root, 'packages/cli/bin/countersign.js')
const site = join(root, 'tests/conformance/site.fixture.mjs')
const loader = pathToFileURL(join(root, 'scripts/mutants/load.mjs')).href

/**
 * What the suite judges, by role: each implementation by its name, the first one where nothing else is said. Each is started with the
 * settings of the tests of `tests/conformance`, and returns the arguments and the configuration of the suite, and how it is ended.
 */
export const participants = {
  resource: {
    ...Object.fromEntries(['node', 'express', 'fastify', 'hono', 'fetch'].map(name => [name, guardOn(name)])),
    gateway: gatewayOf('plain'),
    'gateway-mcp': gatewayOf('mcp'),
  },
  'auth-server': { countersign: authServer },
  'agent-server': { countersign: agentServer },
  agent: { countersign: identifiedAgent, library: libraryAgent },
}

/** Starts what a mutant is judged in: the implementation that its check was seen to refuse in. */
export function startParticipant(role, mutant) {
  const all = participants[role]
  const name = mutant?.on?.[role] ?? Object.keys(all)[0]
  return all[name](mutant)
}

function guardOn(adapter) {
  return async mutant => {
    const played = await ports(playedAroundResource)
    const port = await freePort()
    const others = [played.authServer, played.downstream, played.oauthServer].map(one => origin(one.port))
    const stop = await start([site, adapter, String(port), ...others], mutant)
    return { args: [origin(port)], configuration: siteOffers(adapter, played), stop }
  }
}

function gatewayOf(kind) {
  return async mutant => {
    const played = await ports(playedAroundResource)
    const given = gatewaySettings(kind, { participants: played, upstream: await startUpstream() })
    const { url, stop } = await startCommand('gateway', () => given, mutant)
    return { args: [url], configuration: gatewayOffers(kind, played), stop }
  }
}

async function authServer(mutant) {
  const played = await ports(playedAroundAuthServer)
  const { url, stop } = await startCommand('auth-server', id => authServerSettings(id, played), mutant)
  return { args: [url], configuration: authServerOffers(played), stop }
}

async function agentServer(mutant) {
  const port = await freePort()
  const folder = newFolder()
  const own = ['--id', origin(port), '--data', folder, '--development']
  const stop = await start([countersign, 'agent-server', ...own, '--port', String(port)], mutant, folder)
  const invite = [process.execPath, countersign, 'agent-server', 'invite', ...own, '--count', '30']
  return { args: [origin(port)], configuration: { invite }, stop }
}

/** `countersign fetch` as an agent with an identity of its own, whose documents the suite serves. */
async function identifiedAgent(mutant) {
  const played = await ports(playedAroundAgent)
  const folder = newFolder()
  const [documents, state] = [join(folder, 'site'), join(folder, 'state')]
  const identity = origin(await freePort())
  const own = ['--id', identity, '--state', state, '--development', '--localhost-callback']
  execFileSync(process.execPath, [countersign, 'keys', 'publish', documents, ...own], { stdio: 'ignore' })
  const program = [process.execPath, ...loading(mutant), countersign]
  const offered = identifiedOffers({ program, identity, site: documents, state, participants: played })
  return judgedAgent(offered, mutant, async () => rmSync(folder, { recursive: true, force: true }))
}

/** A program that calls with the library, as a delegate of our agent server. */
async function libraryAgent(mutant) {
  const played = await ports(playedAroundAgent)
  const folder = newFolder()
  const server = await agentServer(undefined)
  const [invite, ...rest] = server.configuration.invite
  const { code } = JSON.parse(
    execFileSync(invite, rest, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).split('\n')[0],
  )
  const [agentServerId] = server.args
  const known = [agentServerId, join(folder, 'delegate.json'), origin(played.authServer.port)]
  execFileSync(process.execPath, [agentProgram, ...known, 'enrol', code], { stdio: 'ignore' })
  const program = [process.execPath, ...loading(mutant), agentProgram, ...known]
  const offered = libraryOffers({ program, agentServer: agentServerId, participants: played })
  return judgedAgent(offered, mutant, async () => {
    await server.stop()
    rmSync(folder, { recursive: true, force: true })
  })
}

function judgedAgent({ command, configuration }, mutant, stop) {
  return { args: ['--', ...command], configuration, env: environment(mutant), stop }
}

/** Starts a server of the command with settings, which may depend on its identifier. */
async function startCommand(command, settingsOf, mutant) {
  const port = await freePort()
  const folder = newFolder()
  const url = origin(port)
  const own = { id: url, port, data: join(folder, 'data'), development: true }
  const file = join(folder, `${command}.json`)
  writeFileSync(file, JSON.stringify({ ...own, ...settingsOf(url) }))
  return { url, stop: await start([countersign, command, '--config', file], mutant, folder) }
}

const newFolder = () => mkdtempSync(join(tmpdir(), 'countersign-mutant-'))

const origin = port => `http://localhost:${port}`

async function ports(names) {
  const found = []
  for (const name of names) found.push([name, { port: await freePort() }])
  return Object.fromEntries(found)
}

/** Below the ports that systems give away, so that no other process gets one before it is used. */
let next = 20_000 + (process.pid % 10_000)

/** A free port, another each time. */
function freePort() {
  next = next < 30_000 ? next + 1 : 20_000
  const port = next
  return new Promise(resolve => {
    const server = createServer()
    server.once('error', () => resolve(freePort()))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)))
  })
}

function loading(mutant) {
  return mutant === undefined ? [] : ['--import', loader]
}

function environment(mutant) {
  if (mutant === undefined) return process.env
  return { ...process.env, MUTANT_BUILT: JSON.stringify(mutant.built), ...mutant.env }
}

/** Starts a server and waits until it says that it is ready. Returns what ends it and removes its folder. */
async function start(args, mutant, folder) {
  const child = spawn(process.execPath, [...loading(mutant), ...args], {
    env: environment(mutant),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const gone = new Promise(resolve => child.once('exit', resolve))
  const stop = async () => {
    child.kill('SIGKILL')
    await gone
    if (folder !== undefined) rmSync(folder, { recursive: true, force: true })
  }
  await ready(child).catch(async error => {
    await stop()
    throw error
  })
  return stop
}

function ready(child) {
  return new Promise((resolve, reject) => {
    let said = ''
    const hear = chunk => {
      said = (said + chunk).slice(-8192)
      if (said.includes(' ready at ')) resolve()
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.once('exit', code => reject(new Error(`it ended with code ${code}: ${said}`)))
  })
}
