import { createServer, type Server } from 'node:http'
import { freePort } from '@countersign/testing/ports'
import { afterEach, expect, test } from 'vitest'
import { judgeAgent } from '../agent/judge-agent.js'
import { judgeAgentServer } from '../agent-server/judge-agent-server.js'
import { judgeAuthServer } from '../auth-server/judge-auth-server.js'
import { agentPorts, readAgentConfiguration } from '../config/agent-configuration.js'
import { agentServerPorts, readAgentServerConfiguration } from '../config/agent-server-configuration.js'
import { authServerPorts, readAuthServerConfiguration } from '../config/auth-server-configuration.js'
import { playedPorts, readResourceConfiguration } from '../config/resource-configuration.js'
import { judgeResource } from '../resource/judge-resource.js'
import { exitCodeOf } from './exit-code.js'

const opened: Server[] = []
afterEach(async () => {
  for (const server of opened.splice(0)) await closed(server)
})

/** A server that answers everything with an empty JSON object. */
function listen(port: number, host = '127.0.0.1'): Promise<Server> {
  const server = createServer((_, response) => response.setHeader('connection', 'close').end('{}'))
  opened.push(server)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve(server))
  })
}

const closed = (server: Server): Promise<unknown> => new Promise(resolve => server.close(resolve))

type Participants = Readonly<Record<string, { readonly port: number }>>

interface Run {
  readonly url: URL
  readonly participants: Participants
}

const common = { seed: 1, slow: false }
const only = (id: string) => ({ selection: { only: [id], groups: [] } })

/** One short run of each role, with all participants that the role can have. */
const roles: Readonly<Record<string, { names: readonly string[]; judge: (run: Run) => Promise<unknown> }>> = {
  resource: {
    names: Object.keys(playedPorts),
    judge({ url, participants }) {
      const routes = ['pseudonymous GET /feed', { route: 'authorized GET /files scope a', oauth: true }]
      const configuration = readResourceConfiguration({ routes, participants })
      return judgeResource({ ...common, ...only('COV-02'), url, configuration })
    },
  },
  'agent-server': {
    names: Object.keys(agentServerPorts),
    judge({ url, participants }) {
      const configuration = readAgentServerConfiguration({ invite: ['true'], oidc: {}, participants })
      return judgeAgentServer({ ...common, ...only('COV-02'), url, configuration })
    },
  },
  'auth-server': {
    names: Object.keys(authServerPorts),
    judge({ url, participants }) {
      const configuration = readAuthServerConfiguration({ participants })
      return judgeAuthServer({ ...common, ...only('COV-02'), url, configuration })
    },
  },
  agent: {
    names: Object.keys(agentPorts),
    judge({ participants }) {
      const configuration = readAgentConfiguration({ participants }, ['true'])
      return judgeAgent({ ...only('sig.covered.query'), configuration })
    },
  },
}

const ports = Object.entries(roles).flatMap(([role, { names }]) => names.map(name => ({ role, name })))

/** The error of a run; undefined where it came to an end. */
async function errorOf(role: string, run: Run): Promise<unknown> {
  return roles[role]?.judge(run).then(
    () => undefined,
    (error: unknown) => error,
  )
}

test.each(ports)(
  '$role: the taken port of $name is one sentence, exit code 2, and nothing is left open',
  async given => {
    const { role, name } = given
    const [subject, other] = [await freePort(), await freePort()]
    await listen(subject)
    const taken = await listen(other)
    const url = new URL(`http://127.0.0.1:${subject}`)
    const mine: Record<string, { port: number }> = {}
    for (const one of roles[role]?.names ?? []) mine[one] = { port: one === name ? other : await freePort() }

    const error = await errorOf(role, { url, participants: mine })
    expect(error).toMatchObject({
      message: `the suite cannot listen on port ${other} of localhost: another program listens there; participants.${name}.port in the configuration names another port`,
    })
    expect(exitCodeOf(error)).toBe(2)

    await closed(taken)
    // Whatever it finds then, it has opened all of its participants.
    expect(await errorOf(role, { url, participants: mine })).not.toMatchObject({ name: 'PortError' })
    for (const { port } of Object.values(mine)) await listen(port)
  },
)

test('a port that is taken on the IPv6 address of localhost alone is taken', async context => {
  const port = await freePort()
  const other = await listen(port, '::1').catch(() => undefined)
  if (other === undefined) return context.skip('this machine has no IPv6')
  const run = { url: new URL('http://localhost'), participants: { authServer: { port }, otherAuthServer: { port: 0 } } }
  expect(await errorOf('agent', run)).toMatchObject({ name: 'PortError' })
  await closed(other)
  expect(await errorOf('agent', run)).toBeUndefined()
})

test('the port of an identity that the suite serves may be taken, too', async () => {
  const port = await freePort()
  const taken = await listen(port)
  const configuration = readAgentConfiguration(
    {
      identity: `http://localhost:${port}`,
      site: '.',
      participants: { authServer: { port: 0 }, otherAuthServer: { port: 0 } },
    },
    ['true'],
  )
  const judge = (): Promise<unknown> => judgeAgent({ ...only('sig.covered.query'), configuration })
  await expect(judge()).rejects.toThrow('another program listens there; identity in the configuration')
  await closed(taken)
  await expect(judge()).resolves.toBeDefined()
})
