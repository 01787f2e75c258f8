import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { freePort } from '@countersign/testing/ports'
import { countersign, root, run, type Stand } from '../processes.fixture.js'
import { agentProgram, identifiedOffers, libraryOffers } from './agent-offers.fixture.mjs'
import { gatewayOffers, gatewaySettings, startUpstream } from './gateway-settings.fixture.mjs'
import { playedParticipants } from './judged.fixture.js'
import type { Mutant } from './mutants.fixture.js'
import { type Subject, startedNode } from './site.fixture.js'
import { startedCommand } from './started-command.fixture.js'

/** Starts `countersign agent-server`, and says how its delegates are invited. */
export async function startAgentServer(place: Stand, mutant?: Mutant): Promise<Subject> {
  const port = await freePort()
  const id = `http://localhost:${port}`
  const own = ['--id', id, '--data', join(place.folder, `agent-server-${port}`), '--development']
  await place.start('agent-server', ['agent-server', ...own, '--port', String(port)], startedCommand(mutant))
  const delegation = join(place.folder, `delegation-${port}.json`)
  const conditions = [{ type: 'scopes', any: ['conformance.read'] }]
  writeFileSync(delegation, JSON.stringify({ conditions, receivers: ['https://api.example', 'https://auth.example'] }))
  const inviting = [process.execPath, countersign, 'agent-server', 'invite', ...own, '--count']
  const inviteWithConditions = [...inviting, '2', '--delegation', delegation]
  return { url: id, configuration: { invite: [...inviting, '30'], inviteWithConditions } }
}

/** Starts an agent server that enrols by codes, by tokens of an OpenID issuer and by sessions. */
export async function startEnrolling(place: Stand, mutant?: Mutant): Promise<Subject> {
  const [port, issuer] = [await freePort(), await freePort()]
  const program = join(root, 'tests/conformance/agent-server.fixture.mjs')
  const [codes, limited] = [join(place.folder, `codes-${port}.txt`), join(place.folder, `limited-${port}.txt`)]
  const args = [program, String(port), `http://localhost:${issuer}`, codes, limited]
  await place.start('agent server', args, startedNode(mutant))
  return {
    url: `http://localhost:${port}`,
    configuration: {
      invite: ['cat', codes],
      inviteWithConditions: ['cat', limited],
      oidc: { claims: { sub: 'workload' } },
      session: { headers: { cookie: 'sid=session-of-ada' } },
      participants: { oidcIssuer: { port: issuer } },
    },
  }
}

/** Starts `countersign gateway` before an upstream that answers everything, or before one that is an MCP server. */
export async function startGateway(place: Stand, kind: 'plain' | 'mcp', mutant?: Mutant): Promise<Subject> {
  const participants = await playedParticipants()
  const port = await freePort()
  const id = `http://localhost:${port}`
  const given = gatewaySettings(kind, { participants, upstream: await startUpstream() })
  const settings = { id, port, data: join(place.folder, `gateway-${port}`), ...given }
  await place.start('gateway', place.config('gateway', settings), startedCommand(mutant))
  return { url: id, configuration: gatewayOffers(kind, participants) }
}

/** An agent, by its command. */
export interface AgentSubject {
  readonly command: readonly string[]
  readonly configuration: object
}

/** The ports of the auth servers that the suite plays for an agent. */
async function playedAuthServers(): Promise<{ authServer: { port: number }; otherAuthServer: { port: number } }> {
  return { authServer: { port: await freePort() }, otherAuthServer: { port: await freePort() } }
}

/** `countersign fetch` as an agent with an identity of its own, whose documents the suite serves. */
export async function identifiedAgent(place: Stand, mutant?: Mutant): Promise<AgentSubject> {
  const participants = await playedAuthServers()
  const identity = `http://localhost:${await freePort()}`
  const [site, state] = [join(place.folder, 'site'), join(place.folder, 'agent')]
  const own = ['--id', identity, '--state', state, '--development']
  await run(['keys', 'publish', site, ...own, '--localhost-callback'])
  const { program, env } = startedCommand(mutant)
  const given = Object.entries(env).map(([name, value]) => `${name}=${value ?? 'null'}`)
  return identifiedOffers({ program: ['env', ...given, ...program], identity, site, state, participants })
}

/** Starts an agent server that has invited one delegate. */
async function invited(place: Stand): Promise<{ readonly server: Subject; readonly code: string }> {
  const server = await startAgentServer(place)
  const { invite } = server.configuration as { readonly invite: readonly string[] }
  const { stdout } = await run(invite.slice(2))
  const { code } = JSON.parse(stdout.split('\n')[0] ?? '') as { readonly code: string }
  return { server, code }
}

/** `countersign fetch` as a delegate, which keeps its tokens from one run to the next. */
export async function startDelegate(place: Stand): Promise<AgentSubject> {
  const { server, code } = await invited(place)
  const participants = await playedAuthServers()
  const state = join(place.folder, 'delegate')
  await run(['enroll', server.url, '--code', code, '--state', state, '--development'])
  const trusting = ['--auth-server', `http://localhost:${participants.authServer.port}`]
  const own = ['--as', 'delegate', '--id', server.url, '--state', state, '--development']
  const command = [process.execPath, countersign, 'fetch', ...own, ...trusting]
  const interactive = [...command, '--no-browser']
  return { command, configuration: { participants, identity: server.url, interactive, deadline: 60_000 } }
}

/** A program that calls `agent.fetch` of `@countersign/agent`, as a delegate of our agent server. */
export async function libraryAgent(place: Stand): Promise<AgentSubject> {
  const participants = await playedAuthServers()
  const { server, code } = await invited(place)
  const known = [server.url, join(place.folder, 'delegate.json'), `http://localhost:${participants.authServer.port}`]
  const enrolled = await run([...known, 'enrol', code], {}, agentProgram)
  if (enrolled.code !== 0) throw new Error(`the delegate was not enrolled: ${enrolled.stderr}`)
  const program = [process.execPath, agentProgram, ...known]
  return libraryOffers({ program, agentServer: server.url, participants })
}
